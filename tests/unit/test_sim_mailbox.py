"""The device's side of the handshake, rule by rule (docs/plc-handshake.md, "Rules for the device")."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_devices.mailbox import Accept, CommandBlock, Done, Mailbox, Memory, Refused
from tests.unit.sim_plant import pick, signed

SEQ_MAX = 65535


def taken(_: CommandBlock) -> Accept:
    return Accept.TAKEN


def idle_at(seq: int, epoch: int = 1) -> Mailbox:
    return Mailbox(
        Memory(epoch=epoch, ack_seq=seq, accept_code=Accept.TAKEN, done_seq=seq, done_code=Done.DONE)
    )


@pytest.mark.parametrize(
    ("block", "check"),
    [
        (CommandBlock(epoch=1, seq=1, op=1, job_id=1, source=1101, container="TOTE-0001", boot_id=1), 0xFE7B),
        (CommandBlock(epoch=60000000, seq=65535, op=2, job_id=60123456789, target=901, boot_id=4711), 0xFA3F),
        (
            CommandBlock(
                epoch=4294967295,
                seq=32768,
                op=3,
                job_id=9007199254740991,
                source=501,
                target=502,
                container="ABCDEFGHIJKLMNOP",
                boot_id=65535,
            ),
            0x4F0C,
        ),
    ],
    ids=["pick", "drop", "transfer"],
)
def test_the_check_is_that_of_the_document(block: CommandBlock, check: int) -> None:
    assert block.computed_check() == check


def test_a_fitting_block_is_taken_once_and_a_duplicate_gets_the_current_state() -> None:
    mailbox = Mailbox()
    assert mailbox.look(pick(), taken)
    assert mailbox.memory.executing == pick()
    assert not mailbox.look(pick(), taken)
    mailbox.end(Done.DONE)
    before = replace(mailbox.memory)
    assert not mailbox.look(pick(), taken)
    assert mailbox.memory == before


def test_an_empty_block_is_nothing() -> None:
    mailbox = Mailbox()
    assert not mailbox.look(CommandBlock(), taken)
    assert (mailbox.refused_code, mailbox.memory) == (Refused.NONE, Memory())


@given(st.integers(0, SEQ_MAX), st.integers(1, SEQ_MAX))
def test_only_the_forward_half_of_the_numbers_is_taken(last: int, seq: int) -> None:
    mailbox = idle_at(last)
    ahead = (seq - last) % 65536
    assert mailbox.look(pick(seq=seq), taken) == (0 < ahead < 32768)
    assert (mailbox.refused_code is Refused.SEQ) == (ahead >= 32768)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_lower_epoch_is_refused_and_a_higher_one_is_remembered(seen: int, epoch: int) -> None:
    mailbox = idle_at(5, epoch=seen)
    assert mailbox.look(pick(seq=6, epoch=epoch), taken) == (epoch >= seen)
    assert mailbox.memory.epoch == max(seen, epoch)
    assert mailbox.refused_code == (Refused.EPOCH if epoch < seen else Refused.NONE)


def test_an_old_block_of_a_newer_gateway_announces_its_epoch_only_if_it_is_whole() -> None:
    mailbox = Mailbox()
    mailbox.look(pick(epoch=1), taken)
    mailbox.look(replace(pick(epoch=9), check=0), taken)
    assert mailbox.memory.epoch == 1
    mailbox.look(pick(epoch=9), taken)
    assert mailbox.memory.epoch == 9
    assert mailbox.memory.executing == pick(epoch=1)


@given(st.data())
def test_a_block_with_one_wrong_field_is_refused_and_changes_nothing_else(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["epoch", "seq", "op", "job_id", "source", "target", "check"]))
    whole = pick(seq=7)
    other = data.draw(st.integers(1, 1000).filter(lambda value: value != getattr(whole, name)))
    mailbox = idle_at(6)
    before = replace(mailbox.memory)
    torn = replace(whole, **{name: other})
    assert not mailbox.look(torn, taken)
    assert mailbox.memory == before
    if torn.seq != mailbox.memory.ack_seq:
        assert (mailbox.refused_seq, mailbox.refused_code) == (torn.seq, Refused.CHECK)


def test_a_block_that_is_meant_for_an_earlier_start_is_refused_though_the_memory_is_lost() -> None:
    """Found by the model: a block that was under way as the device lost its memory was taken a second time."""
    mailbox = Mailbox(boot_id=1)
    block = signed(replace(pick(), boot_id=1))
    assert mailbox.look(block, taken)
    mailbox.memory = Memory()
    mailbox.restart(2)
    assert not mailbox.look(block, taken)
    assert (mailbox.refused_seq, mailbox.refused_code) == (1, Refused.BOOT)


def test_a_busy_channel_takes_nothing_and_looks_again_when_it_is_idle() -> None:
    mailbox = Mailbox()
    mailbox.look(pick(seq=1), taken)
    assert not mailbox.look(pick(seq=2), taken)
    assert (mailbox.refused_seq, mailbox.refused_code) == (2, Refused.EXECUTING)
    assert mailbox.memory.ack_seq == 1
    mailbox.end(Done.DONE)
    assert mailbox.look(pick(seq=2), taken)


@pytest.mark.parametrize("answer", [code for code in Accept if code >= Accept.BUSY], ids=str)
def test_a_command_that_the_device_cannot_do_has_ended_at_once(answer: Accept) -> None:
    mailbox = Mailbox()
    assert mailbox.look(pick(seq=1, job_id=44), lambda _: answer)
    memory = mailbox.memory
    assert (memory.ack_seq, memory.done_seq, memory.done_code) == (1, 1, Done.REFUSED)
    assert (memory.accept_code, memory.job_id, memory.executing) == (answer, 44, None)


def test_the_number_after_65535_is_1() -> None:
    mailbox = idle_at(SEQ_MAX)
    assert mailbox.look(pick(seq=1), taken)

"""Where a vehicle is by what it shows, and so what it holds of the road."""

from dataclasses import replace

from gateway.contract.vehicles import VehicleState
from gateway.fleet.roads import Roads
from gateway.fleet.rows import BETWEEN, Mission
from gateway.fleet.shown import node_of, stands


def located(row: Mission, shown: VehicleState, roads: Roads) -> Mission:
    """Return the row of a vehicle that shows this."""
    order = row.order
    if order is not None and shown.order_id == order.order_id:
        index = shown.last_node_sequence_id // 2
        behind = all(node.sequence_id > 2 * index for node in shown.node_states)
        known = order.passed <= index < order.released and order.nodes[index] == shown.last_node_id
        if not known or not behind:
            return row
        return replace(row, order=replace(order, passed=index), base=order.nodes[index : order.released])
    node = node_of(shown, roads)
    if node is None or order is not None:
        return row
    if ahead := tuple(each.node_id for each in shown.node_states if each.released):
        # Somebody else has sent it that far, such as a gateway before this one: it drives there, whoever commands it now. Where it
        # holds just that, as after a copy of what it had forgotten, others rely on its going on.
        base = roads.known((node, *ahead))
        rest = row.rest if row.base[-len(base) :] == base else ()
        return replace(row, base=base, within=BETWEEN, rest=rest)
    if row.base and not stands(shown):
        return replace(row, within=BETWEEN)
    return standing(row, shown, roads, row.within if row.base and node == row.base[0] else BETWEEN)


def standing(row: Mission, shown: VehicleState, roads: Roads, within: int) -> Mission:
    """Return the row of a vehicle that stands without an order of ours, within so many nodes as far as it does not tell.

    It keeps its base and the way ahead, though it has forgotten or refused them: others rely on its going on. Where people
    have put it counts more.
    """
    node = node_of(shown, roads)
    if node is None:
        return row
    if node not in row.base:
        return replace(row, base=(node,), within=1, rest=())
    at_node = shown.position is not None and roads.nearest(*shown.position) == node
    base = roads.known(row.base[row.base.index(node) :])
    return replace(row, base=base, within=1 if at_node else within)

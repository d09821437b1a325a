"""librdkafka's cluster in memory as a program: it tells where its brokers listen, and does what each line of its input says.

A line is the name of something that librdkafka has for the tests of its own clients (`rdkafka_mock.h`, without `rd_kafka_mock_`)
and what that takes. It is answered with its error code, 0 for none.
"""

import sys
from ctypes import CDLL, c_char_p, c_int, c_int32, c_size_t, c_void_p
from importlib.metadata import files
from typing import Any, Final

PRODUCER: Final = 0
"""Whatever client of librdkafka has the cluster, it is not used."""
ACTS: Final[dict[str, tuple[Any, ...]]] = {
    "topic_create": (c_char_p, c_int, c_int),  # topic, partitions, replicas
    "partition_set_leader": (c_char_p, c_int32, c_int32),  # topic, partition, broker
    "coordinator_set": (c_char_p, c_char_p, c_int32),  # "group", its id, broker
    "broker_set_host_port": (c_int32, c_char_p, c_int),  # broker, and where clients are told that it listens
    "broker_set_down": (c_int32,),
}


def main(brokers: int) -> None:
    """Serve until the input ends."""
    library = CDLL(next(str(file.locate()) for file in files("confluent-kafka") or () if ".so." in file.name))

    def function(name: str, returns: Any, *takes: Any) -> Any:
        made = library[f"rd_kafka_{name}"]
        made.restype, made.argtypes = returns, takes
        return made

    settings = function("conf_new", c_void_p)()
    function("conf_set", c_int, c_void_p, c_char_p, c_char_p, c_void_p, c_size_t)(
        settings, b"log_level", b"0", None, 0
    )
    client = function("new", c_void_p, c_int, c_void_p, c_void_p, c_size_t)(PRODUCER, settings, None, 0)
    cluster = function("mock_cluster_new", c_void_p, c_void_p, c_int)(client, brokers)
    print(function("mock_cluster_bootstraps", c_char_p, c_void_p)(cluster).decode(), flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        kinds = ACTS[name]
        values = [
            word.encode() if kind is c_char_p else int(word) for kind, word in zip(kinds, words, strict=True)
        ]
        print(function(f"mock_{name}", c_int, c_void_p, *kinds)(cluster, *values), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

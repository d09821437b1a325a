"""Stock counts: what is to be counted, by whom, what came of it, and how the books follow (盘点; S2-78…99)."""

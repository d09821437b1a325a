"""Which container goes to which station for whom, and when: waves, the plan, presentations, transports, the way back."""

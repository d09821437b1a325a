"""VDA 5050 2.1 over MQTT, the master's side: orders until they are echoed, states into reports. Sections are those of 2.1.0."""

"""The agent: one per hypervisor host. The hypervisor is the truth; the agent only carries orders to it."""

"""Takes samples of VMs in, keeps them for their time, and answers questions about them."""

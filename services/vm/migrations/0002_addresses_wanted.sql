-- Running VMs whose guests have not said their address yet: few at any time, and looked for often.

CREATE INDEX vms_without_address_idx ON vms (updated_at) WHERE state = 'running' AND ip_address IS NULL;

-- Whatever begins with the device changes another page for each trigger, and the
-- more are under way the more pages there are. Only a delivery report without a
-- number needs it, and finds its trigger in memory now. That a number is under way
-- once is asked of the index of all numbers, which has to be written anyway.
DROP INDEX device_trigger_device;
DROP INDEX device_trigger_active;

"""Whether what runs by the clock ran: each end is kept, and what did not run when it was due is told (REQ OP-02)."""

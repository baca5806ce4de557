"""Who is on call, and who is asked when: pure, above core; paging and the store keep what it works on."""

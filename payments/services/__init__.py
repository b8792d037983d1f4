"""Every write of the money path.

One public function, one transaction, and never a call to Stripe inside of one.
"""

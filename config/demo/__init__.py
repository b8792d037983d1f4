"""The demo's data: people, two events, offers, and a month of past sales. Seeding twice changes nothing."""

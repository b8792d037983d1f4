"""The demo's mail catcher: takes every e-mail by SMTP, delivers none, shows them on a page."""

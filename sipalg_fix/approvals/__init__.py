"""Approvals: SSH signatures that say yes to one plan. OpenSSH's ssh-keygen makes and checks them."""

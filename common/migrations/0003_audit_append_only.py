"""Audit entries are written once: PostgreSQL itself refuses to change, delete or truncate them."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION common_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER common_audit_no_change BEFORE UPDATE OR DELETE ON common_auditentry
  FOR EACH ROW EXECUTE FUNCTION common_audit_append_only();
CREATE TRIGGER common_audit_no_truncate BEFORE TRUNCATE ON common_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION common_audit_append_only();
"""
BACKWARD = """
DROP TRIGGER common_audit_no_truncate ON common_auditentry;
DROP TRIGGER common_audit_no_change ON common_auditentry;
DROP FUNCTION common_audit_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("common", "0002_outbox_storage")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

from django.db import migrations, models

_LOST = """
    UPDATE payments_order SET lost_amount = lost.amount
    FROM (SELECT order_id, sum(amount) AS amount FROM payments_dispute WHERE status = 'lost' GROUP BY order_id) AS lost
    WHERE lost.order_id = payments_order.id
"""
# Disputed is from now on what the bank has not decided yet. Where a part was lost it stays until the order is read
# again: the goods that were stopped go on by that.
_DECIDED = """
    UPDATE payments_order SET is_disputed = false
    WHERE is_disputed AND paid_amount <= refunded_amount + lost_amount AND NOT EXISTS (
        SELECT FROM payments_dispute
        WHERE order_id = payments_order.id AND status NOT IN ('won', 'lost', 'warning_closed', 'prevented')
    )
"""


class Migration(migrations.Migration):
    """What lost disputes took is kept with the order's other sums."""

    dependencies = [
        ("payments", "0006_undeliverable"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="lost_amount",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.RunSQL([_LOST, _DECIDED], migrations.RunSQL.noop),
    ]

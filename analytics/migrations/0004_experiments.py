"""Experiments. Triggers hold that nothing of a definition changes once it is started, whoever writes."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

FREEZE = """
CREATE FUNCTION analytics_experiment_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'draft' AND (
      (NEW.event_id, NEW.slug, NEW.name, NEW.hypothesis, NEW.metric, NEW.minimum_sample, NEW.currency, NEW.started_at)
      IS DISTINCT FROM
      (OLD.event_id, OLD.slug, OLD.name, OLD.hypothesis, OLD.metric, OLD.minimum_sample, OLD.currency, OLD.started_at)
      OR NEW.status = 'draft' OR (OLD.status = 'stopped' AND NEW.status <> 'stopped')) THEN
    RAISE EXCEPTION 'a started experiment does not change' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER analytics_experiment_frozen BEFORE UPDATE ON analytics_experiment
  FOR EACH ROW EXECUTE FUNCTION analytics_experiment_frozen();

CREATE FUNCTION analytics_variant_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  is_draft boolean;
BEGIN
  -- Waits for who starts it just now, and makes who starts it next wait.
  SELECT status = 'draft' INTO is_draft FROM analytics_experiment
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.experiment_id ELSE NEW.experiment_id END FOR SHARE;
  IF NOT is_draft THEN
    RAISE EXCEPTION 'a started experiment does not change' USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER analytics_variant_frozen BEFORE INSERT OR UPDATE OR DELETE ON analytics_variant
  FOR EACH ROW EXECUTE FUNCTION analytics_variant_frozen();

ALTER TABLE analytics_exposure ADD CONSTRAINT exposure_of_a_variant
  FOREIGN KEY (experiment_id, place) REFERENCES analytics_variant (experiment_id, position);
"""
THAW = """
ALTER TABLE analytics_exposure DROP CONSTRAINT exposure_of_a_variant;
DROP TRIGGER analytics_variant_frozen ON analytics_variant;
DROP TRIGGER analytics_experiment_frozen ON analytics_experiment;
DROP FUNCTION analytics_variant_frozen();
DROP FUNCTION analytics_experiment_frozen();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0003_last_answers'),
        ('events', '0002_waitlist_columns'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Experiment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('slug', models.CharField(max_length=64, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('hypothesis', models.CharField(blank=True, max_length=2000)),
                ('metric', models.CharField(choices=[('conversion', 'Conversion rate'), ('revenue', 'Revenue a person')], default='conversion', max_length=10)),
                ('minimum_sample', models.PositiveIntegerField(default=1000, help_text='People a variant.')),
                ('currency', models.CharField(max_length=3)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('running', 'Running'), ('stopped', 'Stopped')], default='draft', editable=False, max_length=8)),
                ('started_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('stopped_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('is_archived', models.BooleanField(default=False, editable=False)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='experiments', to='events.event')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
                'indexes': [
                    models.Index(fields=['event', 'is_archived', '-created_at', '-id'], name='experiment_newest'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('slug__regex', '^[a-z0-9][a-z0-9_-]{0,63}$'), models.Q(('name', ''), _negated=True)), name='experiment_is_named'),
                    models.CheckConstraint(condition=models.Q(('metric__in', ['conversion', 'revenue']), ('currency__regex', '^[A-Z]{3}$')), name='experiment_metric_known'),
                    models.CheckConstraint(condition=models.Q(('minimum_sample__range', (10, 10000000))), name='experiment_sample_within_range'),
                    models.CheckConstraint(condition=models.Q(models.Q(('started_at__isnull', True), ('status', 'draft'), ('stopped_at__isnull', True)), models.Q(('is_archived', False), ('started_at__isnull', False), ('status', 'running'), ('stopped_at__isnull', True)), models.Q(('started_at__isnull', False), ('status', 'stopped'), ('stopped_at__gte', models.F('started_at'))), _connector='OR'), name='experiment_status_has_its_times'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ExperimentRefusal',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('reason', models.CharField(choices=[('invalid', 'Not an event'), ('unknown_test', 'Unknown experiment'), ('wrong_event', 'Of another event'), ('not_running', 'Not running then'), ('unknown_variant', 'Unknown variant'), ('wrong_variant', "Not this visitor's variant"), ('no_exposure', 'Variant never seen'), ('not_achieved', 'Goal not achieved'), ('too_late', 'Too late'), ('future', 'In the future'), ('bot', 'Automated client')], max_length=20)),
                ('count', models.PositiveBigIntegerField()),
                ('experiment', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='analytics.experiment')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('experiment', 'day', 'reason'), name='experiment_refusal_once', nulls_distinct=False),
                    models.CheckConstraint(condition=models.Q(('reason__in', ['invalid', 'unknown_test', 'wrong_event', 'not_running', 'unknown_variant', 'wrong_variant', 'no_exposure', 'not_achieved', 'too_late', 'future', 'bot']), ('count__gte', 1)), name='experiment_refusal_known'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Exposure',
            fields=[
                ('pk', models.CompositePrimaryKey('experiment_id', 'visitor', blank=True, editable=False, primary_key=True, serialize=False)),
                ('visitor', models.UUIDField()),
                ('place', models.PositiveSmallIntegerField()),
                ('seen_at', models.DateTimeField()),
                ('converted_at', models.DateTimeField(blank=True, null=True)),
                ('value', models.PositiveIntegerField(default=0)),
                ('secondary_at', models.DateTimeField(blank=True, null=True)),
                ('experiment', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='analytics.experiment')),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('value', 0), models.Q(('converted_at__isnull', False), ('value__lte', 99999999)), _connector='OR'), name='exposure_value_of_a_conversion'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('key', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=200)),
                ('weight', models.PositiveIntegerField(default=1)),
                ('experiment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='analytics.experiment')),
            ],
            options={
                'ordering': ('position',),
                'constraints': [
                    models.UniqueConstraint(fields=('experiment', 'position'), name='variant_place_once'),
                    models.UniqueConstraint(fields=('experiment', 'key'), name='variant_key_once'),
                    models.CheckConstraint(condition=models.Q(('key__regex', '^[a-z0-9][a-z0-9_-]{0,63}$'), models.Q(('name', ''), _negated=True), ('weight__lte', 10000), ('position__lt', 10)), name='variant_within_range'),
                ],
            },
        ),
        migrations.RunSQL(FREEZE, THAW),
    ]

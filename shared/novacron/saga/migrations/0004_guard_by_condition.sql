-- The guard's own condition decides whether it is called at all: a sound update, which is each but a broken one, costs nothing.
DROP TRIGGER saga_guard ON saga;
CREATE TRIGGER saga_guard BEFORE UPDATE ON saga FOR EACH ROW
WHEN (OLD.state IN ('succeeded', 'compensated') OR NEW.epoch < OLD.epoch)
EXECUTE FUNCTION saga_guard();

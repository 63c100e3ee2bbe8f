"""The main job on real input: replay events through an embedded broker, and check that every one comes back."""

from kafkalite.demo.events import Event, events_of_file, flights
from kafkalite.demo.replay import Report, replay

__all__ = ["Event", "Report", "events_of_file", "flights", "replay"]

//! Calendars: hourly, daily and weekly slots, each with a key of its own.

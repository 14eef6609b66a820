import signal

# A shell starts what it puts in the background with SIGINT ignored; commands would inherit that, and rightly not stop on it. A handler,
# unlike an ignored signal, does not outlive the exec of a command.
signal.signal(signal.SIGINT, signal.default_int_handler)

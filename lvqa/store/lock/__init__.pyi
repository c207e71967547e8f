from .holder import pid_space as pid_space

def listen():
    pass

def listen(): pass

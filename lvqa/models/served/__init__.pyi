from .remote import Address as Address, Serving as Serving, identity as identity, is_nameless as is_nameless
from .slots import side_by_side as side_by_side

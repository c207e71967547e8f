from .remote import Address as Address, Serving as Serving
from .slots import side_by_side as side_by_side

from .common import Batches as Batches

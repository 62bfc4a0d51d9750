import pytest

from trainwright.errors import InputError
from trainwright.training.build import check_batch_size


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(InputError, match="the batch is larger than the training part") as error:
        check_batch_size(101, 100)
    assert "at most 100 pictures" in str(error.value)
    assert "--batch-size 12" in str(error.value)
    check_batch_size(100, 100)

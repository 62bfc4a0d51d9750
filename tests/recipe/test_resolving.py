from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, Recipe, compose, parse_assignments, read_recipe_file, write_recipe

SECTIONS = f"one of: {', '.join(Recipe.model_fields)}"


def words(*assignments: str) -> dict[str, Given]:
    return parse_assignments(assignments)


def refused(*layers: dict[str, Given]) -> InputError:
    with pytest.raises(InputError) as caught:
        compose(*layers)
    return caught.value


def test_nothing_given_is_all_defaults():
    assert compose() == compose({}) == Recipe()


def test_later_layers_win_and_sources_are_kept(recipe_file):
    path = recipe_file("optim:\n  lr: 0.1\n  momentum: 0.8\n")
    recipe = compose(read_recipe_file(path), words("optim.lr=0.2"))
    assert (recipe.optim.lr, recipe.optim.momentum) == (0.2, 0.8)
    assert recipe.origin("optim.lr") == Origin("user", "--set optim.lr=0.2")
    assert recipe.origin("optim.momentum") == Origin("file", f"{path}:3")
    assert recipe.origin("optim.clip_norm") == Origin("default")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "optim.lr=fast",
            "optim.lr is not a number\n"
            "  expected: a number above 0 and at most 100 (learning rate), or auto, or find\n  got: fast\n"
            "  where: --set optim.lr=fast",
        ),
        (
            "optim.lr=-1",
            "optim.lr is out of range\n"
            "  expected: a number above 0 and at most 100 (learning rate), or auto, or find\n  got: -1\n"
            "  where: --set optim.lr=-1",
        ),
        (
            "optim.lr=atuo",
            "optim.lr is not a number\n"
            "  expected: a number above 0 and at most 100 (learning rate), or auto, or find\n  got: atuo\n"
            "  where: --set optim.lr=atuo\n  try: did you mean 'auto'?",
        ),
        (
            "otpim.lr=1",
            "there is no section 'otpim'\n  where: --set otpim.lr=1\n  try: did you mean 'optim'?",
        ),
        (
            "optim.lrr=1",
            "there is no setting 'optim.lrr'\n  where: --set optim.lrr=1\n  try: did you mean 'optim.lr'?",
        ),
        ("lr=1", "there is no setting 'lr'\n  where: --set lr=1\n  try: did you mean 'optim.lr'?"),
        (
            "optim.name=smg",
            "optim.name has no such choice\n  expected: one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, "
            "timm:lion\n  got: smg\n  where: --set optim.name=smg\n  try: did you mean 'sgd'?",
        ),
        (
            "optim.batch_size=all",
            "optim.batch_size is not a whole number\n"
            "  expected: a whole number at least 1 and at most 65536 (pictures), or auto\n"
            "  got: all\n  where: --set optim.batch_size=all\n"
            "  try: for full-batch gradient descent: --set optim.accumulate=all",
        ),
        (
            "optim=sgd",
            "optim is a section, not a setting\n  expected: settings under it, such as optim.name\n  got: sgd\n"
            "  where: --set optim=sgd",
        ),
        (
            "data.source=",
            "data.source is not a text\n  expected: a text that is not empty\n  got: nothing\n"
            "  where: --set data.source=",
        ),
        (
            "data.source=''",
            'data.source is not a text\n  expected: a text that is not empty\n  got: ""\n'
            "  where: --set data.source=''",
        ),
    ],
)
def test_the_whole_message_of_a_mistake(assignment, message):
    assert str(refused(words(assignment))) == message


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("learning_rate=1", "did you mean 'optim.lr'?"),
        ("optimizer.lr=1", "did you mean 'optim'?"),
        ("batch-size=1", "did you mean 'optim.batch_size'?"),
        ("epoch=1", "did you mean 'training.epochs'?"),
        ("loss.classes=3", "did you mean 'loss.class_weights'?"),
        ("data.colour=gray", "did you mean 'data.color'?"),
        ("training.lr=1", "did you mean 'optim.lr'?"),
        ("optim.epochs=1", "did you mean 'training.epochs'?"),
        ("LR=1", "did you mean 'optim.lr'?"),
        ("scheduler=x", "did you mean 'schedule.name'?"),
        ("qqqq=1", SECTIONS),
        ("qqqq.zzzz=1", SECTIONS),
        ("loss.qqqq=1", "one of: loss.name, loss.label_smoothing, loss.beta, loss.margin, loss.class_weights"),
        ("machine.device=gpu", "did you mean 'cuda'?"),
        ("model.activation=swish", "did you mean 'silu'?"),
        ("model.activation=Swish", "did you mean 'silu'?"),
        ("model.activation=hard_swish", "did you mean 'hardswish'?"),
        ("model.activation=lrelu", "did you mean 'leaky-relu'?"),
        ("model.normalization=bn", "did you mean 'batch'?"),
        ("model.normalization=bnorm", "did you mean 'batch'?"),
        ("model.normalization=layer_norm", "did you mean 'layer'?"),
        ("model.pooling=avg", "did you mean 'average'?"),
        ("optim.name=adam-w", "did you mean 'adamw'?"),
        ("optim.name=AdamW", "did you mean 'adamw'?"),
        ("optim.name=nag", "did you mean 'nesterov'?"),
        ("optim.name=lion", "did you mean 'timm:lion'?"),
        ("schedule.name=onecycle", "did you mean 'one-cycle'?"),
        ("schedule.name=OneCycle", "did you mean 'one-cycle'?"),
        ("schedule.name=reduce_lr_on_plateau", "did you mean 'plateau'?"),
        ("init.scheme=he", "did you mean 'kaiming'?"),
        ("loss.name=mse", "did you mean 'l2'?"),
        ("data.color=colour", "did you mean 'rgb'?"),
        ("machine.precision=fp16", "did you mean 'float16'?"),
        ("machine.compile=yes", "write true"),
        ("machine.compile=off", "write false"),
        ("machine.compile=1", "write true"),
        ("machine.compile=0.0", "write false"),
        ("training.epochs=1e1", "write 10"),
        ("data.max_pixels=89_478_485", "write 89478485"),
        ("optim.lr=0,1", "write 0.1"),
        ("optim.lr=0,05", "write 0.05"),
        ("optim.lr=1,5", "write 1.5"),
        ("optim.lr=1,000", "write 1.0"),
        ("optim.lr=01", "write 0.1, or 1"),
        ("optim.lr=005", "write 0.05, or 5"),
        ("optim.lr=01.5", "write 1.5"),
        ("optim.momentum=0,9", "write 0.9"),
        ("optim.momentum=09", "write 0.9"),
        ("optim.batch_size=1,000", "write 1000"),
        ("optim.batch_size=064", "write 64"),
        ("optim.batch_size=1,5", None),
        ("optim.lr=1,2,3", None),
        ("data.source=2024", "put it in quotes"),
        ("data.source=true", "put it in quotes"),
        ("optim.batch_size=many", None),
        ("optim.batch_size=[1]", None),
        ("optim.batch_size=2.5", None),
    ],
)
def test_what_to_try(assignment, hint):
    assert refused(words(assignment)).hint == hint


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, None, [0.1], {"a": 1}, True])
def test_values_that_are_no_numbers(value):
    error = refused({"optim.lr": Given(value, Origin("file", "x:1"))})
    assert error.problem in ("optim.lr is not a number", "optim.lr is out of range")
    assert error.got is not None
    assert len(error.got) <= 120


def test_all_mistakes_of_a_file_at_once(recipe_file):
    path = recipe_file(
        "optim:\n  lr: fast\n  name: adamw\n  momentum: 0.5\notpim:\n  lr: 1\n  name: sgd\nschedule: cosine\n"
        "data:\n  img_size: 2\n"
    )
    text = str(refused(read_recipe_file(path)))
    assert text.startswith("5 mistakes in the recipe\n")
    assert text.count("\n     where: ") == 5
    for line, problem in [
        (2, "1. optim.lr is not a number"),
        (6, "2. there is no section 'otpim'"),
        (8, "3. schedule is a section, not a setting"),
        (10, "4. data.img_size is out of range"),
        (4, "5. optim.momentum has no effect, since optim.name is adamw"),
    ]:
        assert problem in text
        assert f"{path}:{line}" in text


def test_no_message_is_pydantics():
    text = str(
        refused(words("optim.lr=x", "optim.momentum=x", "optim.nesterov=3", "optim.batch_size=1.5", "data.fit=3"))
    )
    assert text.startswith("5 mistakes")
    for word in ("Input should", "validation", "pydantic", "literal", "type="):
        assert word not in text


def test_a_mistake_is_told_even_where_a_later_layer_overrules_it(recipe_file):
    path = recipe_file("optim:\n  lr: fast\n")
    assert refused(read_recipe_file(path), words("optim.lr=0.1")).where == f"{path}:2"


def test_a_rule_is_not_judged_by_a_value_that_is_wrong(recipe_file):
    path = recipe_file("optim:\n  name: adamm\n  beta1: 0.8\n")
    assert refused(read_recipe_file(path)).problem == "optim.name has no such choice"


def test_two_words_for_one_key():
    options = {"optim.lr": Given(0.1, Origin("user", "--lr 0.1"))}
    error = refused(options, words("optim.lr=0.2"))
    assert error.problem == "optim.lr is given twice"
    assert (error.got, error.where) == ("0.1 and 0.2", "--lr 0.1 and --set optim.lr=0.2")
    assert compose(options, words("optim.lr=0.1")).optim.lr == 0.1


def test_a_written_recipe_can_be_used_with_another_optimizer(recipe_file):
    path = recipe_file(write_recipe(Recipe()))
    recipe = compose(read_recipe_file(path), words("optim.name=adamw"))
    assert recipe.origin("optim.momentum") == Origin("default")
    assert "optim.momentum" in recipe.idle()


def test_a_value_that_somebody_chose_does_not_give_way(recipe_file):
    path = recipe_file("optim:\n  momentum: 0.8\n")
    error = refused(read_recipe_file(path), words("optim.name=adamw"))
    assert error.where == f"{path}:2 and --set optim.name=adamw"


def test_a_default_value_beside_its_own_sibling_does_not_give_way(recipe_file):
    path = recipe_file("optim:\n  name: adamw\n  momentum: 0.9\n")
    assert refused(read_recipe_file(path)).problem == "optim.momentum has no effect, since optim.name is adamw"


def test_long_values_are_cut_in_messages():
    error = refused({"optim.name": Given("x" * 500, Origin("file", "r:1"))})
    assert error.got == "x" * 117 + "..."


def test_a_place_without_words_says_who():
    assert refused({"optim.lr": Given("x", Origin("user"))}).where == "user"


@pytest.mark.parametrize("word", ["data.classes=3", "model.num_clases=3", "num_classes=3", "data.clases=cat,dog"])
def test_classes_are_asked_of_the_data(word: str) -> None:
    message = str(refused(words(word)))
    assert "there is no setting" in message
    assert "try: classes follow from the data: the names of folders, or the cells of the column that" in message

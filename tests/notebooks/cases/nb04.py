"""Right and wrong answers to the exercises of notebook 04."""

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from tests.notebooks.cases import Cases


def logits_of(model, batch):
    return model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits


def train(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def train_the_librarys_way(model, batches):
    """Zero first, the library's own loss, batches by number, and an array of losses."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0)
    losses = torch.zeros(len(batches))
    for i in range(len(batches)):
        model.train()
        optimizer.zero_grad(set_to_none=False)
        loss = model(**batches[i]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 100.0)
        optimizer.step()
        losses[i] = loss.detach()
    return losses


def never_zero(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def zero_after_backward(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
    return losses


def step_before_backward(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
    return losses


def never_step(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def step_after_the_loop(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        losses.append(loss.item())
    optimizer.step()
    return losses


def eval_left_on(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def softmax_twice(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch).softmax(dim=1), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def labels_not_used(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        labels = torch.zeros(len(batch["labels"]), dtype=torch.long)
        loss = cross_entropy(logits_of(model, batch), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def optimizer_in_the_loop(model, batches):
    losses = []
    model.train()
    for batch in batches:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def return_inside_the_loop(model, batches):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        return losses


def only_the_last_batch(model, batches):
    return train(model, batches[-1:])


def two_epochs(model, batches):
    return train(model, list(batches) * 2)[: len(batches)]


def only_the_head(model, batches):
    optimizer = torch.optim.AdamW(model.classifier.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses.append(loss.item())
    return losses


def default_rate(model, batches):
    optimizer = torch.optim.AdamW(model.parameters())
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def plain_descent(model, batches):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    losses = []
    model.train()
    for batch in batches:
        loss = cross_entropy(logits_of(model, batch), batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def without_mask(model, batches):
    return train(model, [{**batch, "attention_mask": None} for batch in batches])


def nothing_returned(model, batches):
    train(model, batches)


def last_loss_only(model, batches):
    return [train(model, batches)[-1]]


def clip(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1.0, max_norm / norm.item()) if norm > 0 else g for g in gradients]


def clip_in_place(gradients, max_norm):
    leaves = [torch.zeros_like(g, requires_grad=True) for g in gradients]
    for leaf, gradient in zip(leaves, gradients, strict=True):
        leaf.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(leaves, max_norm)
    return [leaf.grad for leaf in leaves]


def clip_as_one_array(gradients, max_norm):
    """Another shape: everything in one long array, and a tuple of arrays as the answer."""
    norm = np.linalg.norm(np.concatenate([g.numpy().ravel() for g in gradients]))
    return tuple(g.numpy() * max_norm / max(norm, max_norm) for g in gradients)


def clip_each_number(gradients, max_norm):
    return [g.clamp(-max_norm, max_norm) for g in gradients]


def clip_each_tensor(gradients, max_norm):
    return [g * min(1.0, max_norm / max(g.norm().item(), 1e-9)) for g in gradients]


def always_scale(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g * max_norm / norm for g in gradients]


def clip_to_one(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g / norm if norm > max_norm else g for g in gradients]


def compare_with_one(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g * max_norm / norm if norm > 1 else g for g in gradients]


def norm_of_row_sums(gradients, max_norm):
    norm = torch.sqrt(sum((g.reshape(len(g), -1).sum(dim=1) ** 2).sum() for g in gradients))
    return [g * min(1.0, max_norm / norm.item()) if norm > 0 else g for g in gradients]


def norm_of_the_first_two(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients[:2]))
    return [g * max_norm / norm if norm > max_norm else g for g in gradients]


def only_the_first_two(gradients, max_norm):
    return clip(gradients, max_norm)[:2]


def divide_by_zero(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g * torch.clamp(max_norm / norm, max=1.0) * (norm / norm) for g in gradients]


def forget_to_return(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / norm))


def sum_of_norms(gradients, max_norm):
    norm = sum(g.norm().item() for g in gradients)
    return [g * min(1.0, max_norm / norm) for g in gradients]


def stop(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best == patience:
            return epoch + 1, best + 1
    return len(losses), best + 1


def stop_with_a_counter(losses, patience):
    lowest, best, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, best, waited = loss, epoch, 0
        else:
            waited += 1
        if waited >= patience:
            return [epoch, best]
    return [len(losses), best]


def stop_and_give_an_array(losses, patience):
    return np.array(stop(losses, patience))


def stop_and_give_a_tensor(losses, patience):
    return torch.tensor(stop(losses, patience))


def from_zero(losses, patience):
    last, best = stop(losses, patience)
    return last - 1, best - 1


def never_stop(losses, patience):
    return len(losses), 1 + losses.index(min(losses))


def best_of_the_whole_list(losses, patience):
    return stop(losses, patience)[0], 1 + losses.index(min(losses))


def keep_the_last(losses, patience):
    last, _ = stop(losses, patience)
    return last, last


def too_early(losses, patience):
    return stop(losses, patience - 1)


def too_late(losses, patience):
    return stop(losses, patience + 1)


def never_reset(losses, patience):
    lowest, best, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, best = loss, epoch
        else:
            waited += 1
        if waited >= patience:
            return epoch, best
    return len(losses), best


def equal_is_better(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss <= losses[best]:
            best = epoch
        if epoch - best == patience:
            return epoch + 1, best + 1
    return len(losses), best + 1


def compare_with_the_one_before(losses, patience):
    waited = 0
    for epoch in range(1, len(losses)):
        waited = waited + 1 if losses[epoch] >= losses[epoch - 1] else 0
        if waited == patience:
            break
    return epoch + 1, 1 + losses.index(min(losses[: epoch + 1]))


def a_constant(losses, patience):
    return 4, 2


CASES = {
    "04-1": Cases(
        right=[(train,), (train_the_librarys_way,)],
        wrong=[
            ((never_zero,), "zero_grad"),
            ((zero_after_backward,), "no gradients when you stepped"),
            ((step_before_backward,), "step before backward"),
            ((never_step,), "optimizer.step()"),
            ((step_after_the_loop,), "Step inside the loop"),
            ((eval_left_on,), "model.train()"),
            ((softmax_twice,), "takes a softmax itself"),
            ((labels_not_used,), "do not fit the labels"),
            ((optimizer_in_the_loop,), "it forgets"),
            ((return_inside_the_loop,), "inside the loop"),
            ((only_the_last_batch,), "1 of 5 batches"),
            ((two_epochs,), "Each batch once"),
            ((only_the_head,), "only a part of the weights"),
            ((default_rate,), "learning rate is 0.001"),
            ((plain_descent,), "SGD"),
            ((without_mask,), "attention_mask"),
            ((nothing_returned,), "returns None"),
            ((last_loss_only,), "list of all losses"),
        ],
    ),
    "04-2": Cases(
        right=[(clip,), (clip_in_place,), (clip_as_one_array,)],
        wrong=[
            ((clip_each_number,), "each number on its own"),
            ((clip_each_tensor,), "one norm for each tensor"),
            ((always_scale,), "never scale up"),
            ((clip_to_one,), "not always 1"),
            ((compare_with_one,), "Compare with max_norm"),
            ((norm_of_row_sums,), "Square every single number"),
            ((norm_of_the_first_two,), "the norm is that of all"),
            ((only_the_first_two,), "2 went out"),
            ((divide_by_zero,), "Do not divide by 0"),
            ((sum_of_norms,), "divide by 5"),
            ((forget_to_return,), "returns nothing"),
        ],
    ),
    "04-3": Cases(
        right=[
            (stop,),
            (stop_with_a_counter,),
            (stop_and_give_an_array,),
            (stop_and_give_a_tensor,),
        ],
        wrong=[
            ((from_zero,), "count from 1"),
            ((never_stop,), "never sees"),
            ((best_of_the_whole_list,), "never computed"),
            ((keep_the_last,), "not of the last"),
            ((too_early,), "patience 1"),
            ((too_late,), "one epoch too long"),
            ((never_reset,), "starts the waiting anew"),
            ((equal_is_better,), "An equal loss"),
            ((compare_with_the_one_before,), "not than the best one"),
            ((a_constant,), "goes on to the last"),
        ],
    ),
}

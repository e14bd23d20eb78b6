# AdamW's update of all parameters, which lie end to end in flat tensors, in a number of kernels that does not depend on how many there are.


# Every parameter at one rate: one kernel. Of each list one tensor: a list that is made here would lose the update, since TorchScript then
# takes the call for one without an effect.
def update(
        weights: List[Tensor], gradients: List[Tensor], means: List[Tensor], squares: List[Tensor], step: int, rate: float, beta1: float,
        beta2: float, decay: float, epsilon: float) -> Tensor:
    count = torch.full([1], step, dtype=weights[0].dtype, device=weights[0].device)
    torch._fused_adamw_(
        weights, gradients, means, squares, [], [count], lr=rate, beta1=beta1, beta2=beta2, weight_decay=decay, eps=epsilon,
        amsgrad=False, maximize=False)
    return weights[0]


# Every parameter at a rate of its own: the root mean square of its weights, and at least a smallest, times the common one.
#   parameters: views of weights. counts: int64 [parameters], how many weights each has. roots: float32 [parameters], their roots.
def update_scaled(
        parameters: List[Tensor], counts: Tensor, roots: Tensor, least: float, weights: Tensor, gradients: Tensor, means: Tensor,
        squares: Tensor, rate: float, beta1: float, beta2: float, correction1: float, correction2: float, decay: float, epsilon: float
        ) -> Tensor:
    scales = torch.clamp_min(torch.stack(torch._foreach_norm(parameters)) / roots, least)
    means.lerp_(gradients, 1.0 - beta1)
    squares.mul_(beta2).addcmul_(gradients, gradients, value=1.0 - beta2)
    change = torch.sqrt(squares).div_(correction2).add_(epsilon).reciprocal_().mul_(means).div_(correction1)
    if decay > 0.0:
        change.add_(weights, alpha=decay)
    return weights.addcmul_(change, torch.repeat_interleave(scales, counts, output_size=weights.size(0)), value=-rate)

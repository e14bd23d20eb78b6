namespace DistillOnnx.Teacher.Limits;

/// <summary>
/// What may be spent, in money or tokens. A request reserves the most it can cost before it is sent and pays what it took
/// afterwards, so that the sum never exceeds the limit, even with requests in flight.
/// </summary>
/// <param name="mostCost">US dollars; null: no limit.</param>
/// <param name="mostTokens">Tokens of prompts and answers; null: no limit.</param>
/// <param name="prices">Needed for a limit in money.</param>
/// <param name="spentCost">US dollars spent already.</param>
/// <param name="spentTokens">Tokens spent already.</param>
/// <param name="batch">Whether requests go by batch jobs.</param>
internal sealed class Budget(double? mostCost, long? mostTokens, PriceTable? prices, double spentCost, long spentTokens, bool batch = false)
{
    private readonly Lock _lock = new();
    private long _input;
    private long _output;
    private int _reservations;
    private TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether anything is limited.</summary>
    public bool Limits => mostCost is not null || mostTokens is not null;

    /// <summary>Reserves tokens; where they are not left, waits for others' reservations to be settled, which mostly
    /// gives some back.</summary>
    /// <param name="input">The most that the prompt can have.</param>
    /// <param name="output">The most that the answer can have.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Whether they were left in the end.</returns>
    public async Task<bool> ReserveAsync(long input, long output, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task settled;
            lock (_lock)
            {
                if (TryReserve(input, output)) return true;
                if (_reservations == 0) return false;
                settled = _settled.Task;
            }

            await settled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reserves tokens.</summary>
    /// <param name="input">The most that the prompt can have.</param>
    /// <param name="output">The most that the answer can have.</param>
    /// <returns>Whether they were left.</returns>
    public bool TryReserve(long input, long output)
    {
        lock (_lock)
        {
            if (mostTokens is { } tokens && spentTokens + _input + _output + input + output > tokens) return false;
            if (mostCost is { } cost && prices is not null && spentCost + prices.Cost(_input + input, _output + output, batch) > cost)
                return false;
            _input += input;
            _output += output;
            _reservations++;
            return true;
        }
    }

    /// <summary>Replaces a reservation by what was taken.</summary>
    /// <param name="reservedInput">What was reserved for the prompt.</param>
    /// <param name="reservedOutput">What was reserved for the answer.</param>
    /// <param name="input">What the prompt had.</param>
    /// <param name="output">What the answer had.</param>
    public void Settle(long reservedInput, long reservedOutput, long input, long output)
    {
        lock (_lock)
        {
            _input += input - reservedInput;
            _output += output - reservedOutput;
            _reservations--;
            _settled.SetResult();
            _settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}

using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>What the decoder's tokens of one part are compared with.</summary>
internal sealed class PartTokens
{
    private readonly List<long> _targets = [];
    private readonly List<long> _own = [];
    private readonly List<float> _weights = [];
    private readonly List<float> _counts = [];
    private readonly AllowedTokens _sets;
    private readonly bool _closed;

    /// <param name="batch">Gives the weights.</param>
    /// <param name="sequences">The part's, at least one.</param>
    /// <param name="sets">Receives the sets of allowed tokens.</param>
    public PartTokens(MicroBatch batch, TrainingSequence[] sequences, AllowedTokens sets)
    {
        _sets = sets;
        IsLabels = sequences[0].Part == LossPart.Label;
        foreach (var sequence in sequences)
        {
            var weight = (float)batch.TokenWeight(sequence);
            for (var j = 0; j < sequence.Target.Length; j++)
            {
                // Where a single token is left there is nothing to choose, and no loss.
                var allowed = sequence.Allowed?[j];
                _closed |= allowed is { Length: > 1 };
                Add(sequence.Target[j], allowed is { Length: > 1 } ? sets.Number(allowed) : 0, allowed is { Length: 1 } ? null : weight);
            }
        }
    }

    /// <summary>Whether these are labels.</summary>
    public bool IsLabels { get; }

    /// <summary>Adds the arrays: targets, weights, what each counts, and the number of each one's set, where there are sets.</summary>
    /// <param name="arrays">Receives them.</param>
    /// <param name="tokens">How many there shall be; what is added counts nothing.</param>
    public void AddTo(Upload arrays, int tokens)
    {
        while (_targets.Count < tokens) Add(0, 0, null);

        // What counts nothing has a loss too, of which nothing must become of no number.
        for (var i = 0; _closed && i < tokens; i++)
        {
            if (_counts[i] == 0) _targets[i] = _sets.Any!.Value;
        }

        arrays.Add([.. _targets]);
        arrays.Add([.. _weights]);
        arrays.Add([.. _counts]);

        // Whether there are any is not in a batch's shape: of two parts, labels alone are chosen among sets.
        arrays.Add(_closed ? [.. _own] : (long[])[]);
    }

    private void Add(int target, int set, float? weight)
    {
        _targets.Add(target);
        _own.Add(set);
        _weights.Add(weight ?? 0);
        _counts.Add(weight is null ? 0 : 1);
    }
}

using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Toolchain.Inspect;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>
/// The rows that may be taken, streamed as often as they are needed. Memory does not grow with them: 24 bytes are kept for each
/// input, in a temporary file where there are more than some ten thousand.
/// </summary>
internal sealed class Pool
{
    private readonly IReadOnlyList<(Dataset Dataset, string Split)> _sources;
    private readonly IReadOnlyList<Dataset> _annotated;
    private readonly ulong _seed;

    private Pool(Dataset dataset, IReadOnlyList<(Dataset, string)> sources, IReadOnlyList<Dataset> annotated, long seed)
    {
        Dataset = dataset;
        _sources = sources;
        _annotated = annotated;
        _seed = new SplitMix64(seed).Next();
    }

    /// <summary>The dataset that was named.</summary>
    public Dataset Dataset { get; }

    /// <summary>What the rows are about.</summary>
    public TaskSpec Task => Dataset.Task;

    /// <summary>SHA-256 of the files that decide which rows may be taken, in order.</summary>
    public IEnumerable<string> Hashes =>
        [.. _sources.Select(s => s.Dataset.Hash(s.Split)), "", .. _annotated.Select(d => d.Hash(SplitNames.Train))];

    /// <summary>Rows of the last pass of <see cref="Distinct"/>: all, those whose input came before, those annotated already.</summary>
    public (long Rows, long Repeated, long Annotated) Counts { get; private set; }

    /// <summary>Opens the datasets.</summary>
    /// <exception cref="InputException">One is none, lacks the split, or asks something else.</exception>
    public static Pool Open(SelectOptions options)
    {
        var dataset = Dataset.Open(options.Data);
        dataset.FilePath(options.Split);
        var further = options.Further.Select(d => Same(dataset.Task, Dataset.Open(d))).ToList();
        var annotated = options.Annotated.Select(d => Same(dataset.Task, Dataset.Open(d))).ToList();
        return new Pool(dataset, [(dataset, options.Split), .. further.Select(d => (d, SplitNames.Train))], annotated, options.Seed);
    }

    /// <summary>All rows by their places.</summary>
    /// <exception cref="InputException">A row is at fault; the message names it.</exception>
    public IEnumerable<PoolRow> All()
    {
        var position = 0L;
        foreach (var (dataset, split) in _sources)
        {
            foreach (var example in dataset.Stream(split, LabelNeed.Unread))
                yield return new PoolRow(position++, example, Tie(InputTable.Key(example)));
        }
    }

    /// <summary>The rows of which each input is asked once: the first of equal ones, and none that is annotated already.</summary>
    public IEnumerable<PoolRow> Distinct()
    {
        const long annotated = 1, seen = 0;
        using var known = new KeyTable();
        foreach (var example in AnnotatedRows()) known.Set(InputTable.Key(example), annotated);
        long rows = 0, repeated = 0, done = 0;
        foreach (var row in All())
        {
            rows++;
            var key = InputTable.Key(row.Example);
            switch (known.Find(key))
            {
                case annotated: done++; break;
                case seen: repeated++; break;
                default:
                    known.Set(key, seen);
                    yield return row;
                    break;
            }
        }

        Counts = (rows, repeated, done);
    }

    /// <summary>Annotated rows that coverage begins from: as many as are wanted, drawn by the seed.</summary>
    public IReadOnlyList<Example> Centers(int count, CancellationToken cancellationToken)
    {
        var top = new TopRows(count);
        foreach (var (position, example) in AnnotatedRows().Index())
        {
            cancellationToken.ThrowIfCancellationRequested();
            top.Add(new Candidate(position, 0, Tie(InputTable.Key(example))));
        }

        var wanted = top.InOrder().Select(c => c.Row).ToHashSet();
        return [.. AnnotatedRows().Index().Where(r => wanted.Contains(r.Index)).Select(r => r.Item)];
    }

    private IEnumerable<Example> AnnotatedRows() => _annotated.SelectMany(d => d.Stream(SplitNames.Train, LabelNeed.None));

    // As good as random, and the same for an input whatever else the pool has.
    private UInt128 Tie(UInt128 key) => new(new SplitMix64(unchecked((long)((ulong)(key >> 64) ^ _seed))).Next(), (ulong)key);

    private static Dataset Same(TaskSpec task, Dataset other)
    {
        if (other.Task.Kind != task.Kind)
            throw new InputException($"{other.Path}: expected rows of task \"{task.Name}\", found another kind: \"{other.Task.Name}\"");
        other.FilePath(SplitNames.Train);
        return other;
    }
}

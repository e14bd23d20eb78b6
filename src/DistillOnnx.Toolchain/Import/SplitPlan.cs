using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// Deals the rows of one split out to train, validation and test, each label in its share. Rows about the same thing (the same
/// premise, or the same input) stay together: a student must not be selected or measured on what it was trained on. Each such
/// group has a random place between 0 and 1 by its digest and the seed; validation takes the lowest places, test the highest.
/// Memory is that of a histogram per label, however many rows there are.
/// </summary>
internal sealed class SplitPlan : IDisposable
{
    private const int Bins = 4096;
    private const int MaxMixedRows = 20_000;

    private readonly KeyTable _groups = new();
    private readonly Dictionary<UInt128, string> _mixed = [];
    private readonly Dictionary<string, Stratum> _strata = new(StringComparer.Ordinal);
    private readonly List<Stratum> _order = [];
    private readonly TaskSpec _task;
    private readonly byte[] _seed = new byte[8];
    private long _rows;

    private SplitPlan(TaskSpec task, long seed)
    {
        _task = task;
        BinaryPrimitives.WriteInt64LittleEndian(_seed, seed);
    }

    /// <summary>Deals out.</summary>
    /// <param name="rows">Reads the rows that can be used; called twice and gives the same ones each time.</param>
    /// <param name="task">Knows what separates an input's parts.</param>
    /// <param name="options">The fractions and the seed.</param>
    /// <exception cref="InputException">A split would stay empty.</exception>
    public static SplitPlan Deal(Func<IEnumerable<Example>> rows, TaskSpec task, ImportOptions options)
    {
        var plan = new SplitPlan(task, options.Seed);
        try
        {
            foreach (var row in rows())
            {
                plan._rows++;
                plan.Count(row);
            }

            if (plan._rows == 0) return plan;
            var validation = plan.Shares(options.Holdout);
            var test = plan.Shares(options.HoldoutTest);
            for (var i = 0; i < plan._order.Count; i++) plan._order[i].Cut(validation[i], test[i]);
            var taken = plan.DealMixed(rows());
            (string, double, long)[] holdouts =
            [
                (SplitNames.Validation, options.Holdout, taken.Validation), (SplitNames.Test, options.HoldoutTest, taken.Test),
            ];
            foreach (var (split, fraction, count) in holdouts)
            {
                if (fraction > 0 && count == 0)
                    throw new InputException(
                        $"--split-from {options.SplitFrom}: {plan._rows} rows in {plan._groups.Count} groups leave none "
                        + $"for {split} at a fraction of {fraction}");
            }

            if (taken.Validation + taken.Test == plan._rows)
                throw new InputException($"--split-from {options.SplitFrom}: nothing is left to train on");
            return plan;
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>The split that a row goes to.</summary>
    /// <param name="row">A row that was counted.</param>
    public string Split(Example row)
    {
        var key = Key(row.Input);
        var found = _groups.Find(key);
        return found < 0 ? SplitNames.Train : _order[(int)found].Whole(Bin(key)) ?? _mixed.GetValueOrDefault(key, SplitNames.Train);
    }

    /// <summary>Removes the temporary file.</summary>
    public void Dispose() => _groups.Dispose();

    private static int Bin(UInt128 key) => (int)(ulong)(key >> 116);

    private void Count(Example row)
    {
        var key = Key(row.Input);
        var found = _groups.Find(key);
        if (found < 0)
        {
            // The label of a group is that of its first row. Labels of open sets are not shared out: each may be the only one.
            var label = _task.Kind == TaskKind.Labels ? row.Label ?? row.TeacherLabel ?? "" : "";
            if (!_strata.TryGetValue(label, out var stratum))
            {
                _strata.Add(label, stratum = new Stratum(_order.Count));
                _order.Add(stratum);
            }

            _groups.Set(key, found = stratum.Index);
        }

        _order[(int)found].Add(Bin(key));
    }

    // Each label's share in whole rows; what rounding leaves over goes to the largest remainders, so that the sum is exact.
    private int[] Shares(double fraction)
    {
        var exact = _order.Select(s => s.Rows * fraction).ToArray();
        var shares = exact.Select(e => (int)e).ToArray();
        var left = (int)Math.Round(_rows * fraction, MidpointRounding.AwayFromZero) - shares.Sum();
        foreach (var i in Enumerable.Range(0, shares.Length).OrderByDescending(i => exact[i] - shares[i]).ThenBy(i => i).Take(left))
            shares[i]++;
        return shares;
    }

    private (long Validation, long Test) DealMixed(IEnumerable<Example> rows)
    {
        var sizes = new Dictionary<UInt128, (int Stratum, int Rows)>();
        foreach (var row in rows)
        {
            var key = Key(row.Input);
            var stratum = (int)_groups.Find(key);
            if (stratum < 0 || !_order[stratum].IsMixed(Bin(key))) continue;
            sizes[key] = (stratum, sizes.GetValueOrDefault(key).Rows + 1);
        }

        var order = sizes.OrderBy(s => s.Key).ToArray();
        Take(SplitNames.Validation, order, s => s.LeftValidation, (s, n) => s.LeftValidation -= n);
        Array.Reverse(order);
        Take(SplitNames.Test, order, s => s.LeftTest, (s, n) => s.LeftTest -= n);
        return (_order.Sum(s => (long)s.Validation - s.LeftValidation), _order.Sum(s => (long)s.Test - s.LeftTest));

        void Take(
            string split, KeyValuePair<UInt128, (int Stratum, int Rows)>[] groups, Func<Stratum, int> left, Action<Stratum, int> taken)
        {
            foreach (var (key, (index, count)) in groups)
            {
                var stratum = _order[index];
                if (count <= left(stratum) && _mixed.TryAdd(key, split)) taken(stratum, count);
            }
        }
    }

    private UInt128 Key(string input)
    {
        var at = _task.SegmentSeparator is null ? -1 : input.IndexOf(_task.SegmentSeparator, StringComparison.Ordinal);
        var subject = at < 0 ? input : input[..at];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData([.. _seed, .. Encoding.UTF8.GetBytes(subject.Trim())], digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    // The rows of one label by their place; whole bins are taken from both ends, and groups one by one where a bin would be too much.
    private sealed class Stratum(int index)
    {
        private readonly int[] _bins = new int[Bins];
        private int _low, _high = Bins, _lowMixed, _highMixed = Bins;

        public int Index => index;

        public long Rows { get; private set; }

        public int Validation { get; private set; }

        public int Test { get; private set; }

        public int LeftValidation { get; set; }

        public int LeftTest { get; set; }

        public void Add(int bin)
        {
            _bins[bin]++;
            Rows++;
        }

        public void Cut(int validation, int test)
        {
            (Validation, LeftValidation) = (validation, validation);
            (Test, LeftTest) = (test, test);
            while (_low < Bins && _bins[_low] <= LeftValidation && LeftValidation > 0) LeftValidation -= _bins[_low++];
            while (_high > _low && _bins[_high - 1] <= LeftTest && LeftTest > 0) LeftTest -= _bins[--_high];
            _lowMixed = _low;
            for (var rows = 0; LeftValidation > 0 && _lowMixed < _high && rows < MaxMixedRows; _lowMixed++) rows += _bins[_lowMixed];
            _highMixed = _high;
            for (var rows = 0; LeftTest > 0 && _highMixed > _low && rows < MaxMixedRows; _highMixed--) rows += _bins[_highMixed - 1];
        }

        public string? Whole(int bin) => bin < _low ? SplitNames.Validation : bin >= _high ? SplitNames.Test : null;

        public bool IsMixed(int bin) => (bin >= _low && bin < _lowMixed) || (bin < _high && bin >= _highMixed);
    }
}

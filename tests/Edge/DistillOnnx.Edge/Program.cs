using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Core;
using DistillOnnx.Edge;
using DistillOnnx.Runtime;

// edge BUNDLE [--threads N] [--measure]: labels the lines of standard input.
if (args.Length == 0 || args[0].StartsWith('-'))
{
    Console.Error.WriteLine("usage: edge BUNDLE [--threads N] [--measure] < texts");
    return 2;
}

try
{
    var at = Array.IndexOf(args, "--threads");
    var threads = at >= 0 && at + 1 < args.Length && int.TryParse(args[at + 1], out var n) ? n : 0;
    using var predictor = BundlePredictor.Open(args[0], new RuntimeOptions { Device = "cpu", Threads = threads });
    var labeller = new LineLabeller(predictor);
    if (args.Contains("--measure"))
    {
        var started = Process.GetCurrentProcess().StartTime;
        labeller.FirstAnswer = () => Console.Error.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"first label {(DateTime.Now - started).TotalMilliseconds:0} ms after the process began, "
                + $"{Environment.WorkingSet / 1e6:0} MB resident"));
    }

    labeller.Run(Console.In, Console.Out);
    return 0;
}
catch (InputException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

#!/usr/bin/env dotnet
#:project ../src/DistillOnnx.Client/DistillOnnx.Client.csproj
#:property PublishAot=false
#:property EnforceCodeStyleInBuild=false

// A service that calls predict, at its smallest: labels the lines of standard input and prints label, probability and line.
// Copy it into your own repository and change the path above to a package or project reference.
//
//   printf 'A man sleeps.</s>A man is awake.\n' | dotnet run scripts/predict.cs -- http://127.0.0.1:5080 esnli
//
// With --explain it asks for a rationale too, the model's own words and no proof of its label, and prints it last.
// Several servers share the calls: http://one:5080,http://two:5080, or dns:///name:5080 for all that a name stands for.
// DISTILLONNX_API_KEY holds the key, where the servers ask for one.
// Exit codes: 0 done, 1 the service failed, 2 bad arguments or input, 130 interrupted.

using System.Runtime.CompilerServices;
using DistillOnnx.Client;
using Grpc.Core;

const string Explain = "--explain";
var explain = args.Contains(Explain);
string[] names = [.. args.Where(a => a != Explain)];
if (names.Length is 0 or > 2)
{
    Console.Error.WriteLine("expected ADDRESS[,ADDRESS…] [MODEL] [--explain]");
    return 2;
}

// A rationale takes many times as long as a label.
var (batchRows, deadline) = explain ? (8, TimeSpan.FromMinutes(1)) : (64, TimeSpan.FromSeconds(5));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
try
{
    using var client = new PredictionClient(new PredictionClientOptions
    {
        Addresses = names[0].Split(','),
        Deadline = deadline,
        ApiKey = Environment.GetEnvironmentVariable("DISTILLONNX_API_KEY"),
    });
    await foreach (var lines in Lines(stop.Token).Where(line => !string.IsNullOrWhiteSpace(line)).Chunk(batchRows))
    {
        var answers = await client.PredictAsync(names.ElementAtOrDefault(1) ?? "", lines, explain, stop.Token);
        foreach (var (line, answer) in lines.Zip(answers))
        {
            var label = answer.Abstained ? "?" : answer.Label;
            var rationale = answer.HasRationale ? "\t" + answer.Rationale : "";
            Console.WriteLine(FormattableString.Invariant($"{label}\t{answer.Probability:0.000}\t{line}{rationale}"));
        }
    }

    return 0;
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
catch (RpcException e) when (!stop.IsCancellationRequested)
{
    // A full queue and a server that is away were tried again already, within the deadline.
    Console.Error.WriteLine($"{e.StatusCode}: {e.Status.Detail}");
    return e.StatusCode is StatusCode.InvalidArgument or StatusCode.NotFound ? 2 : 1;
}
catch (Exception e) when (stop.IsCancellationRequested && e is RpcException or OperationCanceledException)
{
    return 130;
}

// The console reads without regard to a token, so a line is waited for beside it.
static async IAsyncEnumerable<string> Lines([EnumeratorCancellation] CancellationToken cancellationToken)
{
    using var input = new StreamReader(Console.OpenStandardInput(), Console.InputEncoding);
    while (await Task.Run(input.ReadLine, cancellationToken).WaitAsync(cancellationToken) is { } line) yield return line;
}

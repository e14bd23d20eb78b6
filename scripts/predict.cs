#!/usr/bin/env dotnet
#:project ../src/DistillOnnx.Client/DistillOnnx.Client.csproj
#:property PublishAot=false
#:property EnforceCodeStyleInBuild=false

// A service that calls predict, at its smallest: labels the lines of standard input and prints label, probability and line.
// Copy it into your own repository and change the path above to a package or project reference.
//
//   printf 'A man sleeps.</s>A man is awake.\n' | dotnet run scripts/predict.cs -- http://127.0.0.1:5080 esnli
//
// Several servers share the calls: http://one:5080,http://two:5080, or dns:///name:5080 for all that a name stands for.
// DISTILLONNX_API_KEY holds the key, where the servers ask for one. Exit codes: 0 done, 1 the service failed, 2 bad arguments or input.

using DistillOnnx.Client;
using Grpc.Core;

const int BatchRows = 64;
if (args.Length is 0 or > 2)
{
    Console.Error.WriteLine("expected ADDRESS[,ADDRESS…] [MODEL]");
    return 2;
}

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
        Addresses = args[0].Split(','),
        Deadline = TimeSpan.FromSeconds(5),
        ApiKey = Environment.GetEnvironmentVariable("DISTILLONNX_API_KEY"),
    });
    foreach (var lines in Lines().Where(line => !string.IsNullOrWhiteSpace(line)).Chunk(BatchRows))
    {
        var answers = await client.PredictAsync(args.ElementAtOrDefault(1) ?? "", lines, cancellationToken: stop.Token);
        foreach (var (line, answer) in lines.Zip(answers))
            Console.WriteLine(FormattableString.Invariant($"{(answer.Abstained ? "?" : answer.Label)}\t{answer.Probability:0.000}\t{line}"));
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

static IEnumerable<string> Lines()
{
    while (Console.ReadLine() is { } line) yield return line;
}

#!/usr/bin/env dotnet
#:project ../../src/DistillOnnx.Client/DistillOnnx.Client.csproj
#:property PublishAot=false
#:property EnforceCodeStyleInBuild=false

// The load of scripts/balance/run: callers that ask one after the other for a bounded time, over one client.
//
//   dotnet run scripts/balance/load.cs -- ADDRESS[,ADDRESS…] MODEL SECONDS CALLERS DEADLINE-MS
//
// Prints a line a second (answered, failed, slowest answer) and at the end one JSON object.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DistillOnnx.Client;
using Grpc.Core;

if (args.Length != 5)
{
    Console.Error.WriteLine("expected ADDRESS[,ADDRESS…] MODEL SECONDS CALLERS DEADLINE-MS");
    return 2;
}

var (model, seconds, callers) = (args[1], Number(args[2]), Number(args[3]));
using var client = new PredictionClient(new PredictionClientOptions
{
    Addresses = args[0].Split(','),
    Deadline = TimeSpan.FromMilliseconds(Number(args[4])),
});
var watch = Stopwatch.StartNew();
var answered = new int[seconds + 60];
var failed = new int[seconds + 60];
var slowest = new double[seconds + 60];
var latencies = new ConcurrentBag<double>();
var faults = new ConcurrentDictionary<StatusCode, int>();
var calls = Enumerable.Range(0, callers).Select(i => Task.Run(() => CallAsync(i))).ToArray();
for (var second = 0; second < seconds; second++)
{
    await Task.Delay(TimeSpan.FromSeconds(second + 1) - watch.Elapsed is { Ticks: > 0 } left ? left : TimeSpan.Zero);
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{second + 1,3} s  {answered[second],5} answered  {failed[second],4} failed  {slowest[second],6:0} ms slowest"));
}

await Task.WhenAll(calls);
double[] sorted = [.. latencies.Order()];
Console.WriteLine(JsonSerializer.Serialize(new
{
    p50_ms = At(0.5),
    p99_ms = At(0.99),
    answered = answered.Sum(),
    failed = failed.Sum(),
    seconds_with_failures = failed.Count(f => f > 0),
    faults = faults.ToDictionary(f => f.Key.ToString(), f => f.Value),
}));
return 0;

double At(double share) => sorted.Length == 0 ? 0 : Math.Round(sorted[(int)(share * (sorted.Length - 1))], 2);

async Task CallAsync(int caller)
{
    for (var i = 0; watch.Elapsed < TimeSpan.FromSeconds(seconds); i++)
    {
        var started = watch.Elapsed;
        try
        {
            await client.PredictAsync(model, $"Nora draws a red pear in the forest at noon. Does Nora draw a fruit outdoors? {caller} {i}");
            var second = (int)watch.Elapsed.TotalSeconds;
            Interlocked.Increment(ref answered[second]);
            var took = (watch.Elapsed - started).TotalMilliseconds;
            slowest[second] = Math.Max(slowest[second], took);
            latencies.Add(took);
        }
        catch (RpcException e)
        {
            Interlocked.Increment(ref failed[(int)watch.Elapsed.TotalSeconds]);
            faults.AddOrUpdate(e.StatusCode, 1, (_, n) => n + 1);
        }
    }
}

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

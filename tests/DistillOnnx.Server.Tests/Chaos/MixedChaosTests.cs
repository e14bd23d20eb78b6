using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using DistillOnnx.Server.Tests.Conformance;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Grpc.Core;

namespace DistillOnnx.Server.Tests.Chaos;

/// <summary>
/// Requests over all interfaces at once, some cancelled and some with a deadline that is too short, while models are switched and other
/// clients misbehave: each ends as it must, and each answer is that to its own text by the version that it names.
/// DISTILLONNX_CHAOS_REQUESTS says how many.
/// </summary>
public sealed class MixedChaosTests
{
    private const int Callers = 12;

    private static readonly int Requests =
        int.Parse(Environment.GetEnvironmentVariable("DISTILLONNX_CHAOS_REQUESTS") ?? "480", CultureInfo.InvariantCulture);

    private const string TeacherLabel = "neutral";

    [Fact]
    public Task Serve_EveryInterfaceUnderAbuseAndModelSwitches_LosesAndCrossesNone() => RunAsync(o => o);

    [Fact]
    public async Task Serve_CollectingAndWithAFallback_LosesAndCrossesNoneAndKeepsItsBounds()
    {
        const int megabytes = 1;
        using var directory = new TemporaryDirectory();
        await using var teacher = await LoopbackTeacher.StartAsync(TeacherLabel);
        await RunAsync(o => o with
        {
            Teacher = new() { Fallback = teacher.Spec, FallbackJournal = directory["journal"], FallbackSeconds = 20 },
            Collecting = new()
            {
                Collect = directory["kept"],
                CollectBelow = 0.4,
                CollectShare = 0.5,
                CollectMegabytes = megabytes,
                CollectRowsPerMinute = 1_000_000,
            },
        });

        var files = Directory.GetFiles(directory["kept/nli"], "*.jsonl");
        Assert.All(files, f => Assert.StartsWith("rows-", Path.GetFileName(f), StringComparison.Ordinal));
        Assert.InRange(files.Sum(f => new FileInfo(f).Length), 1, megabytes * 1_000_000);
        var rows = files.SelectMany(File.ReadLines).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(rows.Count, rows.Select(r => r.GetProperty("id").GetString()).Distinct().Count());
        foreach (var row in rows)
        {
            var version = new FakePredictor { Salt = row.GetProperty("version").GetString()! };
            var expected = version.Answer(row.GetProperty("input").GetString()!);
            Assert.Equal(expected.Label, row.GetProperty("student_label").GetString());
            Assert.Equal(expected.Probability, row.GetProperty("student_probability").GetDouble());
        }
    }

    private static async Task RunAsync(Func<ServerOptions, ServerOptions> configure)
    {
        await using var server = await TestServer.StartAsync(
            new FakePredictor { PerToken = TimeSpan.FromMicroseconds(20), Salt = "1" },
            o => configure(
                o with { MessageBytes = 1 << 20, Connections = 5000, LogLevel = Microsoft.Extensions.Logging.LogLevel.Critical }));
        using var clients = new MixedClients(server.Address);
        using var over = new CancellationTokenSource();
        var outcomes = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var (next, switches) = (0, new StrongBox<int>());
        var hasTeacher = configure(new ServerOptions()).Teacher.Fallback is not null;

        async Task CallAsync()
        {
            for (int i; (i = Interlocked.Increment(ref next) - 1) < Requests;)
            {
                var kind = MixedClients.Kinds[i % MixedClients.Kinds.Count];
                var outcome = await AskAsync(clients, kind, i, hasTeacher);
                outcomes.AddOrUpdate($"{kind}: {outcome}", 1, (_, n) => n + 1);
            }
        }

        Task[] abuse =
        [
            Abuse.SwitchAsync(server, switches, over.Token),
            Abuse.CancelAsync(server, 0, over.Token),
            Abuse.BadRequestsAsync(server, over.Token),
            Abuse.GarbageAsync(server, over.Token),
            Abuse.VanishAsync(server, over.Token),
        ];
        var calls = Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(CallAsync)));
        try
        {
            // Who fails ends early, and the failure is what this test then reports.
            await Task.WhenAny([calls, .. abuse]);
        }
        finally
        {
            await over.CancelAsync();
        }

        await calls;
        await Task.WhenAll(abuse).WaitAsync(TestServer.Patience);
        foreach (var (name, count) in outcomes.OrderBy(o => o.Key, StringComparer.Ordinal))
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,6} {name}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{switches.Value,6} switches of the model");
        Assert.Equal(Requests, outcomes.Values.Sum());
        Assert.All(MixedClients.Kinds, kind => Assert.True(outcomes.GetValueOrDefault($"{kind}: answered") > 0, kind));
        await Wait.UntilAsync(() => server.Model.Batcher.QueuedRows == 0);
    }

    /// <summary>Sends one request and says how it ended; fails where it may not end so.</summary>
    private static async Task<string> AskAsync(MixedClients clients, string kind, int number, bool hasTeacher)
    {
        var random = new Random(number);
        var rows = Enumerable.Range(0, random.Next(1, 5))
            .Select(i => new Row(string.Join(' ', Enumerable.Repeat($"q{number}x{i}", random.Next(1, 40))))).ToList();
        var fate = random.Next(10);
        using var cancel = new CancellationTokenSource();
        if (fate == 0) cancel.CancelAfter(random.Next(0, 8));
        var deadline = fate == 1 ? TimeSpan.FromMilliseconds(random.Next(1, 15)) : TestServer.Patience;
        WholeAnswer[] found;
        var began = Stopwatch.GetTimestamp();
        try
        {
            found = await clients.AskAsync(kind, rows, deadline, cancel.Token).WaitAsync(2 * TestServer.Patience);
        }
        catch (Exception e) when (fate == 0 && cancel.IsCancellationRequested && IsCancellation(e))
        {
            return "cancelled";
        }
        catch (RpcException e) when (fate == 1 && (e.StatusCode is StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted
            // The server ends a stream at its deadline, too, which the client may see before it looks at its own clock.
            || (e.StatusCode == StatusCode.Unavailable && Stopwatch.GetElapsedTime(began) >= deadline)))
        {
            return "late";
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"request {number} by {kind}, fate {fate}: {e.Message}", e);
        }

        Assert.Equal(rows.Count, found.Length);
        for (var i = 0; i < rows.Count; i++)
        {
            var student = new FakePredictor { Salt = found[i].Version }.Answer(rows[i].Text);
            float[] probabilities = [.. student.Probabilities!.Select(p => (float)p)];

            // Where there is a teacher, it may answer what the student abstains from.
            var byTeacher = hasTeacher && student.Abstained && !found[i].Abstained;
            var label = byTeacher ? TeacherLabel : student.Label;
            WholeAnswer.AssertSame(
                new WholeAnswer(
                    label, probabilities[Array.IndexOf(FakePredictor.Labels, label)], probabilities, student.Abstained && !byTeacher,
                    student.Truncated, found[i].Version, null),
                found[i],
                $"request {number} by {kind}, row {i}");
        }

        return "answered";
    }

    private static bool IsCancellation(Exception e) => e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled };
}

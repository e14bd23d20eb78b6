using System.Net.Sockets;
using System.Runtime.CompilerServices;
using DistillOnnx.Hosting.Batching;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Tests.Fakes;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace DistillOnnx.Server.Tests.Chaos;

/// <summary>What clients do wrong, and models that are switched meanwhile: each until it is told to end.</summary>
internal static class Abuse
{
    public static async Task SwitchAsync(TestServer server, StrongBox<int> switches, CancellationToken over)
    {
        var catalog = server.Host.Services.GetRequiredService<ModelCatalog>();
        var lifecycle = server.Host.Services.GetRequiredService<ModelLifecycle>();
        for (var version = 2; !over.IsCancellationRequested; version++)
        {
            var old = catalog.Find("nli", "");
            var name = version.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var next = new FakePredictor { Salt = name, PerToken = server.Predictor.PerToken };
            catalog.Add(new ModelVersion("nli", new LoadedModel(next, name), new BatchOptions(), new NoObserver(), TimeProvider.System));
            lifecycle.Retire(old);
            Interlocked.Increment(ref switches.Value);
            await Task.Delay(200, CancellationToken.None);
        }
    }

    public static async Task CancelAsync(TestServer server, int id, CancellationToken over)
    {
        var random = new Random(100 + id);
        using var client = new PredictionClient(new PredictionClientOptions { Addresses = [server.Address], MaxAttempts = 1 });
        while (!over.IsCancellationRequested)
        {
            using var cancel = new CancellationTokenSource(random.Next(0, 4));
            try
            {
                await client.PredictAsync("nli", Enumerable.Repeat("some text to label", 50), cancellationToken: cancel.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.True(cancel.IsCancellationRequested);
            }
            catch (RpcException e)
            {
                Assert.Contains(e.StatusCode, new[] { StatusCode.DeadlineExceeded, StatusCode.ResourceExhausted });
            }
        }
    }

    public static async Task BadRequestsAsync(TestServer server, CancellationToken over)
    {
        (string Text, StatusCode Expected)[] cases =
        [
            ("", StatusCode.InvalidArgument),
            (new string('x', 2 << 20), StatusCode.ResourceExhausted),
            (string.Join(' ', Enumerable.Repeat("a", 100_000)), StatusCode.OK),
        ];
        while (!over.IsCancellationRequested)
        {
            foreach (var (text, expected) in cases)
            {
                var found = StatusCode.OK;
                try
                {
                    await server.Client.Raw.PredictAsync(
                        new PredictRequest { Model = "nli", Inputs = { new PredictionInput { Text = text } } },
                        deadline: DateTime.UtcNow + TestServer.Patience,
                        cancellationToken: CancellationToken.None);
                }
                catch (RpcException e)
                {
                    found = e.StatusCode;
                }

                Assert.Equal(expected, found);
            }
        }
    }

    /// <summary>Random bytes, and HTTP/2 that breaks off into nonsense.</summary>
    public static async Task GarbageAsync(TestServer server, CancellationToken over)
    {
        var random = new Random(7);
        byte[] preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];
        while (!over.IsCancellationRequested)
        {
            var bytes = new byte[random.Next(1, 2000)];
            random.NextBytes(bytes);
            await SendAsync(server, random.Next(2) == 0 ? bytes : [.. preface, .. bytes]);
        }
    }

    public static async Task VanishAsync(TestServer server, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var client = new PredictionClient(server.Address);
            var call = client.PredictAsync(
                "nli", Enumerable.Repeat("a text of a client that goes away", 20), cancellationToken: CancellationToken.None);
            await Task.Delay(1, CancellationToken.None);
            client.Dispose();
            try
            {
                Assert.Equal(20, (await call.WaitAsync(TestServer.Patience, CancellationToken.None)).Count);
            }
            catch (RpcException e)
            {
                Assert.Contains(e.StatusCode, new[] { StatusCode.Cancelled, StatusCode.Unavailable, StatusCode.ResourceExhausted });
            }
            catch (ObjectDisposedException)
            {
                // It was gone before the call began.
            }
        }
    }

    public static async Task ConnectionsAsync(TestServer server, CancellationToken over)
    {
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 1500 && !over.IsCancellationRequested; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                var uri = new Uri(server.Address);
                await socket.ConnectAsync(uri.Host, uri.Port, CancellationToken.None);
            }
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    private static async Task SendAsync(TestServer server, byte[] bytes)
    {
        var uri = new Uri(server.Address);
        using var client = new TcpClient();
        await client.ConnectAsync(uri.Host, uri.Port);
        try
        {
            await client.GetStream().WriteAsync(bytes);
        }
        catch (IOException)
        {
            // The server hung up first, as it may.
        }
    }

    private sealed class NoObserver : IBatchObserver
    {
        public void Ran(BatchReport report)
        {
        }

        public void Refused(RefusalReason reason)
        {
        }

        public void Abandoned(int rows)
        {
        }
    }
}

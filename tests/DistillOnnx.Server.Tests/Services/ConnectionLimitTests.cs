using System.Net;
using System.Net.Sockets;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Services;

public sealed class ConnectionLimitTests
{
    [Theory]
    [InlineData(10_000, null, 10_000)]
    [InlineData(0, null, 0)]
    [InlineData(10_000, 1_000_000L, 10_000)]
    [InlineData(10_000, 1024L, 1024 - FileLimit.Reserve)]
    [InlineData(0, 1024L, 1024 - FileLimit.Reserve)]
    [InlineData(50, 1024L, 50)]
    public void Connections_ByOptionAndFiles_AreTheFewer(int asked, long? files, int expected) =>
        Assert.Equal(expected, FileLimit.Connections(asked, files));

    [Theory]
    [InlineData("Max open files            1024                 4096                 files     ", 1024L)]
    [InlineData("Max open files            unlimited            unlimited            files     ", null)]
    [InlineData("Max cpu time              10                   10                   seconds   ", null)]
    public void Parse_LineOfTheKernel_IsTheLimitInForce(string line, long? expected) => Assert.Equal(expected, FileLimit.Parse([line]));

    [Fact]
    public async Task Connection_BeyondTheLimit_IsClosedAndCountedUntilAnotherLeaves()
    {
        // Both addresses together: a connection that has sent nothing yet counts as well.
        await using var server = await TestServer.StartAsync(
            configure: o => o with { Connections = 3, AdminUrls = ["http://127.0.0.1:0"] });
        using var first = await ConnectAsync(server.Host.Addresses[0]);
        using var second = await ConnectAsync(server.Host.AdminAddresses[0]);
        using var third = await ConnectAsync(server.Host.Addresses[0]);
        Assert.True(await AnswersAsync(first));
        Assert.True(await AnswersAsync(second));
        Assert.True(await AnswersAsync(third));

        Assert.False(await IsLetInAsync(server.Host.Addresses[0]));

        third.Dispose();
        await Wait.UntilAsync(() => IsLetInAsync(server.Host.Addresses[0]).GetAwaiter().GetResult());
        Assert.True(await AnswersAsync(first));
    }

    private static async Task<bool> IsLetInAsync(string address)
    {
        try
        {
            using var socket = await ConnectAsync(address);
            return await AnswersAsync(socket);
        }
        catch (SocketException)
        {
            // The server may close a connection before its client has seen that it is open.
            return false;
        }
    }

    private static async Task<Socket> ConnectAsync(string address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(address).Port);
        return socket;
    }

    private static async Task<bool> AnswersAsync(Socket socket)
    {
        try
        {
            await socket.SendAsync("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
            var buffer = new byte[4096];
            return await socket.ReceiveAsync(buffer).WaitAsync(TestServer.Patience) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

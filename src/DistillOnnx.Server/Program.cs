using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Server;
using DistillOnnx.Server.Configuration;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (args.Any(a => a is "--help" or "-h"))
    {
        Console.WriteLine(OptionReader<ServerOptions>.Help("DistillOnnx.Server: serves bundles over gRPC and JSON"));
        return 0;
    }

    return await PredictionServer.RunAsync(OptionReader<ServerOptions>.Read(args, "DISTILL_SERVE_"), stop.Token);
}
catch (InputException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

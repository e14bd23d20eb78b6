using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Server;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Stages.Options;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (VerbCommand.AsksForHelp(args))
    {
        Console.Write(ServerCommand.Create().Help(width: 120));
        return 0;
    }

    return await PredictionServer.RunAsync(ServerCommand.Bind(args, OptionEnvironment.OfProcess(), Console.Error.WriteLine), stop.Token);
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

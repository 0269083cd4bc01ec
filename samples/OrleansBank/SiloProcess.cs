using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Common;

namespace NativeGreenlet.OrleansBank;

/// <summary>A process with a silo.</summary>
public sealed class SiloProcess : IDisposable
{
    private readonly Process _process;

    private SiloProcess(Process process, int gateway)
    {
        _process = process;
        Gateway = gateway;
    }

    /// <summary>Gets the port for clients.</summary>
    public int Gateway { get; }

    /// <summary>Starts several of a cluster, and returns when all have joined it.</summary>
    /// <param name="count">How many.</param>
    /// <param name="database">Where members and accounts are kept; null for the memory of the silos.</param>
    public static async Task<IReadOnlyList<SiloProcess>> StartAsync(int count, string? database = null)
    {
        int[] ports = FreePorts.Find(2 * count);
        List<SiloProcess> silos = [];
        try
        {
            for (int i = 0; i < count; i++)
            {
                ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
                string program = typeof(SiloProcess).Assembly.Location;
                if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) != Path.GetFileNameWithoutExtension(program))
                {
                    start.ArgumentList.Add(program); // the process is dotnet
                }

                string[] arguments = ["silo", Text(ports[2 * i]), Text(ports[(2 * i) + 1]), Text(ports[0]), .. database is null ? Array.Empty<string>() : [database]];
                Array.ForEach(arguments, start.ArgumentList.Add);
                SiloProcess silo = new(Process.Start(start)!, ports[(2 * i) + 1]);
                silos.Add(silo);
                if (await silo._process.StandardOutput.ReadLineAsync() != "ready")
                {
                    throw new InvalidOperationException($"The silo on the ports {ports[2 * i]} and {ports[(2 * i) + 1]} did not start. What it wrote to the standard error says why.");
                }
            }

            return silos;
        }
        catch
        {
            silos.ForEach(static silo => silo.Dispose());
            throw;
        }

        static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Ends it without warning.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Asks it to stop, and waits until it has.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(TimeSpan.FromSeconds(60)))
            {
                Kill();
            }
        }

        _process.Dispose();
    }
}

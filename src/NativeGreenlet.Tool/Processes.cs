using System.Diagnostics;
using Microsoft.Diagnostics.NETCore.Client;

namespace NativeGreenlet.LiveView;

/// <summary>Processes that can be asked.</summary>
internal static class Processes
{
    /// <summary>All of them but this one.</summary>
    public static int[] All => [.. DiagnosticsClient.GetPublishedProcesses().Where(id => id != Environment.ProcessId).Distinct().Order()];

    /// <summary>What a process is called: where that is <c>dotnet</c>, the assembly that it runs, if it can be told.</summary>
    public static string NameOf(int id)
    {
        try
        {
            using Process process = Process.GetProcessById(id);
            return process.ProcessName == "dotnet" && OperatingSystem.IsLinux() ? AssemblyOf(id) ?? process.ProcessName : process.ProcessName;
        }
        catch (ArgumentException)
        {
            return "ended";
        }
    }

    /// <summary>Whether a process has the native library for certain. False where it has not, or where that cannot be told.</summary>
    public static bool HasNativeLibrary(int id)
    {
        try
        {
            return OperatingSystem.IsLinux() && File.ReadLines($"/proc/{id}/maps").Any(line => line.Contains("libnativegreenlet", StringComparison.Ordinal));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // it has ended, or is another user's
        }
    }

    private static string? AssemblyOf(int id)
    {
        try
        {
            string? path = File.ReadAllText($"/proc/{id}/cmdline").Split('\0').Skip(1).FirstOrDefault(word => word.EndsWith(".dll", StringComparison.OrdinalIgnoreCase));
            return Path.GetFileNameWithoutExtension(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // it has ended, or is another user's
        }
    }

    /// <summary>Refuses what is no process, or none that can be asked.</summary>
    /// <exception cref="ToolException">It is none.</exception>
    public static void Check(int id)
    {
        bool exists = true;
        try
        {
            using Process process = Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            exists = false;
        }

        if (!exists)
        {
            throw new ToolException($"There is no process {id}. 'greenlets ps' lists the processes that have greenlets.");
        }

        if (!DiagnosticsClient.GetPublishedProcesses().Contains(id))
        {
            throw new ToolException($"Process {id} ({NameOf(id)}) cannot be asked. It is no .NET process, or it belongs to another user, or it was started with DOTNET_EnableDiagnostics=0 or with another TMPDIR. 'greenlets ps' lists the processes that have greenlets.");
        }
    }

    /// <summary>That a process does not have the library, in words.</summary>
    public static ToolException WithoutLibrary(int id) =>
        new($"Process {id} ({NameOf(id)}) has no greenlets: it does not use NativeGreenlet, or has not yet. 'greenlets ps' lists the processes that have some.");

    /// <summary>That a process has no hubs, in words.</summary>
    public static ToolException WithoutHubs(int id) =>
        new($"Process {id} ({NameOf(id)}) has no hub, and so no figures: it does not use NativeGreenlet.Cooperative, or has not yet. 'greenlets dump {id}' shows its greenlets.");
}

using Microsoft.Diagnostics.Runtime;

namespace NativeGreenlet.LiveView;

/// <summary>Looks at a process that is stopped meanwhile, or at a core dump: at every greenlet, of hubs or not, whatever the process
/// hangs in. A suspended greenlet's frames are below the thread record that it hangs on.</summary>
internal static class HaltedDump
{
    private const string Bottom = "Stacks.Enter"; // the first method of every greenlet
    private const int MostFrames = 1_000_000;

    /// <summary>Dumps a process.</summary>
    /// <exception cref="ToolException">It cannot be looked at.</exception>
    public static Snapshot OfProcess(int process)
    {
        try
        {
            using DataTarget target = DataTarget.AttachToProcess(process, suspend: true);
            return Of($"process {process} ({Processes.NameOf(process)})", target);
        }
        catch (Exception exception) when (exception is not ToolException)
        {
            throw new ToolException($"Process {process} cannot be stopped and looked at: {exception.Message} It takes the same user and the right to debug (ptrace): try as root, or set kernel.yama.ptrace_scope to 0.", exception);
        }
    }

    /// <summary>Dumps a core dump.</summary>
    /// <exception cref="ToolException">It is none.</exception>
    public static Snapshot OfFile(string path)
    {
        try
        {
            using DataTarget target = DataTarget.LoadDump(path);
            return Of(path, target);
        }
        catch (Exception exception) when (exception is not ToolException)
        {
            throw new ToolException($"{path} cannot be read as a core dump of a .NET process: {exception.Message} Make one with 'dotnet-dump collect --process-id PID', and look at it on a machine with the same runtime.", exception);
        }
    }

    private static Snapshot Of(string source, DataTarget target)
    {
        if (target.ClrVersions is not [{ } version, ..])
        {
            throw new ToolException($"There is no .NET runtime in {source}.");
        }

        using ClrRuntime runtime = version.CreateRuntime();
        if (!runtime.EnumerateModules().Any(module => Path.GetFileNameWithoutExtension(module.Name) == "NativeGreenlet"))
        {
            throw new ToolException($"There is no NativeGreenlet in {source}: it does not use greenlets, or has not yet.");
        }

        List<TaskView> greenlets = [];
        foreach (ClrThread thread in runtime.Threads)
        {
            List<string> frames = [];
            bool isRunning = thread.OSThreadId != 0 && thread.IsAlive;
            foreach (ClrStackFrame frame in thread.EnumerateStackTrace(includeContext: false, MostFrames))
            {
                if (frame.Method is not { } method)
                {
                    continue;
                }

                frames.Add($"{method.Type?.Name}.{method.Name}");
                if (frames[^1].EndsWith(Bottom, StringComparison.Ordinal))
                {
                    greenlets.Add(View(thread, greenlets.Count + 1, frames));
                    frames = [];
                }
            }
        }

        return Snapshot.Of(source, [], greenlets);
    }

    private static TaskView View(ClrThread thread, long number, List<string> frames)
    {
        bool isSuspended = frames.Exists(frame => frame.StartsWith("NativeGreenlet.Greenlet.Switch", StringComparison.Ordinal) || frame.StartsWith("NativeGreenlet.Scheduling.", StringComparison.Ordinal));
        return new TaskView("", number, null, isSuspended ? "suspended" : $"runs in thread {thread.OSThreadId}", null, 0, frames, []);
    }
}

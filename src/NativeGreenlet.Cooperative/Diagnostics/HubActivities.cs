using System.Diagnostics;
using System.Net;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>The activities of the source <c>NativeGreenlet.Cooperative</c>: what the library itself does on behalf of a program, a
/// connection or a child process. Null while nobody listens.</summary>
internal static class HubActivities
{
    private static readonly ActivitySource s_source = new("NativeGreenlet.Cooperative");

    /// <summary>Begins that of a connection that a server handles: it is the root of a trace.</summary>
    public static Activity? StartConnection(IPEndPoint server)
    {
        if (!s_source.HasListeners())
        {
            return null;
        }

        Activity? activity = s_source.StartActivity("tcp connection", ActivityKind.Server, parentContext: default);
        activity?.SetTag("network.transport", "tcp").SetTag("server.address", server.Address.ToString()).SetTag("server.port", server.Port);
        return activity;
    }

    /// <summary>Begins that of a program that is run.</summary>
    public static Activity? StartProcess(string fileName)
    {
        if (!s_source.HasListeners())
        {
            return null;
        }

        Activity? activity = s_source.StartActivity($"run {Path.GetFileName(fileName)}", ActivityKind.Client);
        activity?.SetTag("process.executable.name", Path.GetFileName(fileName));
        return activity;
    }

    /// <summary>Says in it that what it stands for has failed. For a filter of exceptions: false.</summary>
    public static bool Fail(Activity? activity, Exception exception)
    {
        if (exception is not GreenletExit)
        {
            activity?.AddException(exception).SetStatus(ActivityStatusCode.Error, exception.Message).SetTag("error.type", exception.GetType().FullName);
        }

        return false;
    }
}

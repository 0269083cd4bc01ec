using System.Diagnostics;
using System.IO.Pipes;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="NamedPipeClientStream"/> and <see cref="NamedPipeServerStream"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(NamedPipeClientStream))]
[GreenletTwin(typeof(NamedPipeServerStream))]
[StackTraceHidden]
public static class NamedPipeTwin
{
    public static void Connect(NamedPipeClientStream self)
    {
        if (!Hub.IsInside)
        {
            self.Connect();
            return;
        }

        Parking.Run(self.ConnectAsync);
    }

    public static void Connect(NamedPipeClientStream self, int timeout)
    {
        if (Parking.IsOriginal(timeout))
        {
            self.Connect(timeout);
            return;
        }

        Parking.Run(token => self.ConnectAsync(timeout, token));
    }

    public static void Connect(NamedPipeClientStream self, TimeSpan timeout)
    {
        if (Parking.IsOriginal(timeout))
        {
            self.Connect(timeout);
            return;
        }

        Parking.Run(token => self.ConnectAsync(timeout, token));
    }

    public static void WaitForConnection(NamedPipeServerStream self)
    {
        if (!Hub.IsInside)
        {
            self.WaitForConnection();
            return;
        }

        Parking.Run(self.WaitForConnectionAsync);
    }
}

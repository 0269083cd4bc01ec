using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="IDbCommand"/>, where it is a <see cref="DbCommand"/>, in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(IDbCommand))]
[StackTraceHidden]
public static class IDbCommandTwin
{
    public static int ExecuteNonQuery(IDbCommand self) => self is DbCommand command ? DbCommandTwin.ExecuteNonQuery(command) : self.ExecuteNonQuery();

    public static object? ExecuteScalar(IDbCommand self) => self is DbCommand command ? DbCommandTwin.ExecuteScalar(command) : self.ExecuteScalar();

    public static IDataReader ExecuteReader(IDbCommand self) => self is DbCommand command ? DbCommandTwin.ExecuteReader(command) : self.ExecuteReader();

    public static IDataReader ExecuteReader(IDbCommand self, CommandBehavior behavior) =>
        self is DbCommand command ? DbCommandTwin.ExecuteReader(command, behavior) : self.ExecuteReader(behavior);

    public static void Prepare(IDbCommand self)
    {
        if (self is DbCommand command)
        {
            DbCommandTwin.Prepare(command);
        }
        else
        {
            self.Prepare();
        }
    }
}

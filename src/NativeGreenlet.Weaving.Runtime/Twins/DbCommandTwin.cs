using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="DbCommand"/> and of every class that derives from it in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(DbCommand))]
[StackTraceHidden]
public static class DbCommandTwin
{
    public static int ExecuteNonQuery(DbCommand self) => Databases.CanPark(self) ? Databases.Run(self, self.ExecuteNonQueryAsync) : self.ExecuteNonQuery();

    public static object? ExecuteScalar(DbCommand self) => Databases.CanPark(self) ? Databases.Run(self, self.ExecuteScalarAsync) : self.ExecuteScalar();

    public static DbDataReader ExecuteReader(DbCommand self) =>
        Databases.CanPark(self) ? Databases.Run(self, self.ExecuteReaderAsync, static late => late.Dispose()) : self.ExecuteReader();

    public static DbDataReader ExecuteReader(DbCommand self, CommandBehavior behavior) =>
        Databases.CanPark(self)
            ? Databases.Run(self, token => self.ExecuteReaderAsync(behavior, token), static late => late.Dispose())
            : self.ExecuteReader(behavior);

    public static void Prepare(DbCommand self)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, self.PrepareAsync);
        }
        else
        {
            self.Prepare();
        }
    }
}

// The connection over Windows' own sockets, to this machine alone; called by Session, Outbox and Inbox.

#import "ws2_32.dll"
int WSAStartup(int version, uchar &data[]);
int WSAGetLastError();
int socket(int family, int type, int protocol);
int connect(int handle, uchar &address[], int length);
int ioctlsocket(int handle, int command, int &argument);
int setsockopt(int handle, int level, int option, int &value, int length);
int recv(int handle, uchar &buffer[], int length, int flags);
int send(int handle, uchar &buffer[], int length, int flags);
int closesocket(int handle);
#import

#define NO_SOCKET -1
#define WINSOCK_VERSION 514
#define WINSOCK_DATA_BYTES 512
#define FAMILY_INET 2
#define KIND_STREAM 1
#define PROTOCOL_TCP 6
#define OPTION_NO_DELAY 1
#define COMMAND_NON_BLOCKING 0x8004667E
#define WOULD_BLOCK 10035

string gLinkHost = "";
int    gLinkPort = 0;
int    gLink = NO_SOCKET;
bool   gLinkReady = false;

// Takes where to dial; returns why that is not done, or empty.
string LinkConfigure(string host, int port)
{
   gLinkHost = host;
   gLinkPort = port;
   if(MQLInfoInteger(MQL_DLLS_ALLOWED) == 0)
      return "MetaTrader 4 has no sockets of its own, this EA takes Windows' (ws2_32.dll): tick \"Allow DLL imports\" "
             + "in the EA's properties, tab Common, and in Tools, Options, Expert Advisors.";
   if(port < 1 || port > 65535)
      return "the port has to be that of the engine ([metatrader] in its configuration).";
   if(!IsLoopback(host) || host == "::1")
      return "MetaTrader 4 has no TLS, so this EA dials 127.0.0.1 alone: on the way to " + host
             + " everybody could read the account. Let a tunnel (SSH, WireGuard) end on this machine, the engine's plain_port at its other end.";
   return "";
}

bool LinkIsOpen()
{
   return gLink != NO_SOCKET;
}

void LinkClose()
{
   if(gLink != NO_SOCKET)
      closesocket(gLink);
   gLink = NO_SOCKET;
}

// Writes sockaddr_in: family, port and address in the network's order.
void LinkAddress(uchar &address[])
{
   ArrayResize(address, 16);
   ArrayInitialize(address, 0);
   address[0] = FAMILY_INET;
   address[2] = (uchar)(gLinkPort / 256);
   address[3] = (uchar)(gLinkPort % 256);
   string host = gLinkHost;
   if(host == "localhost")
      host = "127.0.0.1";
   string parts[];
   int count = StringSplit(host, '.', parts);
   long part = 0;
   for(int i = 0; i < 4 && i < count; i++)
      if(ReadCount(parts[i], 0, 255, part))
         address[4 + i] = (uchar)part;
}

// Dials; false with `why`: cause and remedy. On this machine that blocks for about two seconds at most.
bool LinkOpen(string &why)
{
   LinkClose();
   if(!gLinkReady)
   {
      uchar data[];
      ArrayResize(data, WINSOCK_DATA_BYTES);
      ArrayInitialize(data, 0);
      gLinkReady = WSAStartup(WINSOCK_VERSION, data) == 0;
   }
   if(gLinkReady)
      gLink = socket(FAMILY_INET, KIND_STREAM, PROTOCOL_TCP);
   if(gLink == NO_SOCKET)
   {
      why = "Windows gives no socket (error " + IntegerToString(WSAGetLastError()) + "): restart the terminal.";
      return false;
   }
   uchar address[];
   LinkAddress(address);
   if(connect(gLink, address, 16) != 0)
   {
      why = "nothing answers at " + gLinkHost + ":" + IntegerToString(gLinkPort) + " (error " + IntegerToString(WSAGetLastError())
            + "): start the engine or the tunnel to it, compare the port with its configuration.";
      return false;
   }
   int yes = 1;
   if(ioctlsocket(gLink, (int)COMMAND_NON_BLOCKING, yes) != 0)
   {
      why = "Windows gives no socket that does not wait (error " + IntegerToString(WSAGetLastError()) + "): restart the terminal.";
      return false;
   }
   // A RESULT behind its ACK is not held back until that is confirmed. Without it all works, slower.
   yes = 1;
   setsockopt(gLink, PROTOCOL_TCP, OPTION_NO_DELAY, yes, 4);
   return true;
}

// Takes what is there, at most `most` bytes; 0: nothing, -1: the connection is broken.
int LinkRead(uchar &buffer[], int most)
{
   if(gLink == NO_SOCKET)
      return -1;
   int count = recv(gLink, buffer, most, 0);
   if(count > 0)
      return count;
   // No byte and no error: the other end has closed.
   if(count == 0)
      return -1;
   return LinkWaits();
}

// Sends the first `count` bytes; returns how many were taken, -1 when the connection is broken.
int LinkSend(uchar &buffer[], int count)
{
   if(gLink == NO_SOCKET)
      return -1;
   int taken = send(gLink, buffer, count, 0);
   if(taken >= 0)
      return taken;
   return LinkWaits();
}

// What an error means. 0 is one that the terminal has lost: if the line is broken, silence will show it.
int LinkWaits()
{
   int error = WSAGetLastError();
   if(error == WOULD_BLOCK || error == 0)
      return 0;
   return -1;
}

"""Answers in the shape of real ones, written for these tests: no device sent them."""

from __future__ import annotations

from typing import Final

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
SCHEMA: Final = "http://www.onvif.org/ver10/schema"
TOPICS: Final = "http://www.onvif.org/ver10/topics"


def soap(body: str, declared: str = "", header: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" {declared}>'
        f"<SOAP-ENV:Header>{header}</SOAP-ENV:Header><SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


ISAPI_DEVICE: Final = b"""\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>
<DeviceInfo version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<deviceName>East gate</deviceName><deviceID>48443030-3041-3732-3738-4419b600000b</deviceID>
<model>DS-2CD2099G9-I</model><serialNumber>DS-2CD2099G9-I20240101AAWR000000001</serialNumber>
<macAddress>44:19:b6:00:00:0b</macAddress><firmwareVersion>V5.5.3</firmwareVersion>
<firmwareReleasedDate>build 180710</firmwareReleasedDate><encoderVersion>V7.3</encoderVersion>
<deviceType>IPCamera</deviceType><localTime>2026-05-04T09:00:00+01:00</localTime>
</DeviceInfo>"""

ISAPI_CAPABILITIES: Final = b"""<DeviceCap version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<SysCap><isSupportSSH>false</isSupportSSH><isSupportEZVIZ>true</isSupportEZVIZ>
<AudioCap><audioInputNums>1</audioInputNums><audioOutputNums>0</audioOutputNums></AudioCap></SysCap>
<isSupportFaceContrast>true</isSupportFaceContrast><isSupportFaceDetect>true</isSupportFaceDetect>
<SmartCap><isSupportFaceDetect>false</isSupportFaceDetect></SmartCap>
<RacmCap><ANPRSearch><maxNum>4</maxNum></ANPRSearch></RacmCap></DeviceCap>"""

ISAPI_HOSTS: Final = b"""<HttpHostNotificationList version="2.0"><HttpHostNotification><id>1</id><url>/alert</url>
<hostName>events.example</hostName><userName>camera</userName><password>hunter2</password>
</HttpHostNotification></HttpHostNotificationList>"""

ONVIF_DEVICE: Final = soap(
    "<tds:GetDeviceInformationResponse><tds:Manufacturer>ACME</tds:Manufacturer><tds:Model>M-1</tds:Model>"
    "<tds:FirmwareVersion>V5.5.3 build 180710</tds:FirmwareVersion><tds:SerialNumber>S-77</tds:SerialNumber>"
    "<tds:HardwareId>1.0</tds:HardwareId></tds:GetDeviceInformationResponse>",
    f'xmlns:tds="{DEVICE}"',
    "<wsa:MessageID xmlns:wsa='w'>urn:uuid:1</wsa:MessageID>",
)

ONVIF_RULES: Final = soap(
    "<GetSupportedRulesResponse><SupportedRules><RuleDescription Name='sch:FaceRecognition' xsi:type='sch:X'/>"
    "<RuleDescription Name='sch:LineDetector'/></SupportedRules></GetSupportedRulesResponse>",
    f'xmlns:sch="{SCHEMA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
)

ONVIF_EVENTS: Final = soap(
    "<GetEventPropertiesResponse><w:TopicSet xmlns:w='http://docs.oasis-open.org/wsn/t-1'><p:RuleEngine>"
    "<Recognition><Face w:topic='true'><MessageDescription IsProperty='true'/></Face></Recognition></p:RuleEngine>"
    "<p:VideoSource><MotionAlarm w:topic='true'/></p:VideoSource></w:TopicSet></GetEventPropertiesResponse>",
    f'xmlns:p="{TOPICS}"',
)

DAHUA_RULES: Final = (
    b"table.VideoAnalyseRule[0][0].Class=FaceDetection\r\ntable.VideoAnalyseRule[0][0].Enable=true\r\n"
    b"table.VideoAnalyseRule[0][0].Type=FaceDetection\r\ntable.VideoAnalyseRule[0][1].Class=Normal\r\n"
    b"table.VideoAnalyseRule[0][1].Enable=false\r\ntable.VideoAnalyseRule[0][1].Type=CrossLineDetection\r\n"
)
DAHUA_P2P: Final = (
    b"table.T2UServer.Address=p2p.example\r\ntable.T2UServer.Enable=true\r\ntable.T2UServer.Password=hunter2\r\n"
)
DAHUA_RPC2: Final = (
    b'{"id":7,"params":{"table":{"Enable":true,"Port":23}},"result":true,"session":"6f8e12ab6f8e12ab"}\n'
)

VAPIX_DEVICE: Final = (
    b'{"apiVersion":"1.0","context":"c-1","method":"getAllProperties","data":{"propertyList":{"Brand":"AXIS",'
    b'"ProdNbr":"M9999-LV","ProdFullName":"AXIS M9999-LV Camera","SerialNumber":"ACCC8E00000B","Version":"9.80.1",'
    b'"BuildDate":"Jan 01 2024 10:00","Soc":"Axis Artpec-7"}}}'
)
VAPIX_APIS: Final = (
    b'{"apiVersion":"1.0","method":"getApiList","data":{"apiList":[{"id":"ssh","version":"1.0"},'
    b'{"id":"mqtt-client","version":"1.2"}]}}'
)
VAPIX_PARAM: Final = (
    b"root.Network.SSH.Enabled=no\nroot.Network.UPnP.NATTraversal.Enabled=yes\nroot.RemoteService.Enabled=oneclick\n"
    b"root.RemoteService.ProxyPassword=hunter2\n"
)
VAPIX_APPLICATIONS: Final = (
    b'<reply result="ok"><application Name="plates" NiceName="Plates" Vendor="ACME" Version="1.2" Status="Running"/>'
    b'<application Name="guard" NiceName="Guard" Vendor="AXIS" Version="2.0" Status="Stopped"/></reply>'
)

REOLINK_DEVICE: Final = (
    b'[{"cmd":"GetDevInfo","code":0,"value":{"DevInfo":{"buildDay":"build 24010100","firmVer":"v3.1.0.0_24010100",'
    b'"hardVer":"IPC_X","model":"RLC-999","name":"Yard","serial":"00000000000001","type":"IPC","wifi":0}}}]'
)
REOLINK_ABILITY: Final = (
    b'[{"cmd":"GetAbility","code":0,"value":{"Ability":{"abilityChn":[{"aiTrack":{"permit":0,"ver":1}}],'
    b'"p2p":{"permit":6,"ver":1},"talk":{"permit":6,"ver":0},"rtmp":{"permit":6,"ver":1}}}}]'
)

SUNAPI_DEVICE: Final = (
    b"Model=XNV-9999\r\nSerialNumber=ZZZZ70GM000001Y\r\nFirmwareVersion=1.41.01_20240101_R1\r\n"
    b"ConnectedMACAddress=00:09:18:00:00:0B\r\nISPVersion=1.00\r\nDeviceName=Hall\r\n"
)
SUNAPI_JSON: Final = (
    b'{"Model":"XNV-9999","SerialNumber":"ZZZZ70GM000001Y","FirmwareVersion":"1.41.01_20240101_R1",'
    b'"ConnectedMACAddress":"00:09:18:00:00:0B","ISPVersion":"1.00","DeviceName":"Hall"}'
)
LAPI_DEVICE: Final = (
    b'{"Response":{"ResponseURL":"/LAPI/V1.0/System/DeviceInfo","CreatedID":-1,"ResponseCode":0,"SubResponseCode":0,'
    b'"ResponseString":"Succeed","StatusCode":0,"Data":{"DeviceName":"Dock","DeviceModel":"IPC999","SerialNumber":'
    b'"210235XXXX0000000001","FirmwareVersion":"IPC_Q1201-B0001P00D1800"}}}'
)
SOFIA_DEVICE: Final = (
    b'{ "Name" : "SystemInfo", "Ret" : 100, "SessionID" : "0x7", "SystemInfo" : { "DeviceRunTime" : "0x000000E0", '
    b'"HardWare" : "50X10", "SerialNo" : "00ddebc37a3b4400", "SoftWareVersion" : "V5.00.R02.00000001.10010" } }\n\x00'
)
SOFIA_FUNCTIONS: Final = (
    b'{"Name":"SystemFunction","Ret":100,"SessionID":"0x8","SystemFunction":{"AlarmFunction":{"HumanDection":true},'
    b'"PreviewFunction":{"Talk":true},"NetServerFunction":{"NetNat":true,"RTMP":false}}}\n\x00'
)

ALL: Final = (
    ("isapi", "System/deviceInfo", ISAPI_DEVICE),
    ("isapi", "System/capabilities", ISAPI_CAPABILITIES),
    ("isapi", "Event/notification/httpHosts", ISAPI_HOSTS),
    ("onvif", "GetDeviceInformation", ONVIF_DEVICE),
    ("onvif", "GetSupportedRules", ONVIF_RULES),
    ("onvif", "GetEventProperties", ONVIF_EVENTS),
    ("dahua", "configManager.cgi getConfig VideoAnalyseRule", DAHUA_RULES),
    ("dahua", "configManager.cgi getConfig T2UServer", DAHUA_P2P),
    ("dahua", "RPC2 configManager.getConfig Telnet", DAHUA_RPC2),
    ("vapix", "basicdeviceinfo.cgi getAllProperties", VAPIX_DEVICE),
    ("vapix", "apidiscovery.cgi getApiList", VAPIX_APIS),
    ("vapix", "param.cgi root.Network", VAPIX_PARAM),
    ("vapix", "applications/list.cgi", VAPIX_APPLICATIONS),
    ("reolink", "GetDevInfo", REOLINK_DEVICE),
    ("reolink", "GetAbility", REOLINK_ABILITY),
    ("sunapi", "system.cgi deviceinfo", SUNAPI_DEVICE),
    ("lapi", "System/DeviceInfo", LAPI_DEVICE),
    ("sofia", "SystemInfo", SOFIA_DEVICE),
    ("sofia", "SystemFunction", SOFIA_FUNCTIONS),
)

ALERT: Final = (
    b'--boundary\r\nContent-Type: application/xml; charset="UTF-8"\r\nContent-Length: 400\r\n\r\n'
    b'<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\r\n'
    b"<channelID>1</channelID>\r\n<dateTime>2026-05-04T09:00:00+01:00</dateTime>\r\n"
    b"<activePostCount>1</activePostCount>\r\n<eventType>%s</eventType>\r\n<eventState>%s</eventState>\r\n"
    b"<eventDescription>alarm</eventDescription>\r\n</EventNotificationAlert>\r\n"
)
DAHUA_EVENT: Final = (
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:%d\r\n\r\nCode=%s;action=%s;index=0;data={\r\n"
    b'   "Name" : "Rule1"\r\n}\r\n\r\n'
)
NOTIFICATION: Final = soap(
    "<tev:PullMessagesResponse xmlns:tev='e'><wsnt:NotificationMessage xmlns:wsnt='n'><wsnt:Topic Dialect='d'>"
    "tp:RuleEngine/Recognition/Face</wsnt:Topic><wsnt:Message/></wsnt:NotificationMessage></tev:PullMessagesResponse>",
    f'xmlns:tp="{TOPICS}"',
)
